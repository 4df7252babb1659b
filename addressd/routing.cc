#include "addressd/routing.h"

#include <algorithm>

#include "addressd/rewrite.h"
#include "lib/base/text.h"

namespace facteur::addressd {

Routing::Routing(const Settings& settings, const Classes& classes, table::Tables& tables)
    : settings_(settings),
      classes_(classes),
      transport_(tables, settings.transport_maps()),
      sender_relayhost_(tables, settings.sender_dependent_relayhost_maps()),
      sender_transport_(tables, settings.sender_dependent_default_transport_maps()) {
    const auto& lists = settings.parent_domain_matches_subdomains();
    parents_match_ = std::find(lists.begin(), lists.end(), "transport_maps") != lists.end();
}

// transport(5): "transport:nexthop"; without nexthop it is the recipient's domain; without
// transport only the nexthop changes; ":" alone changes nothing.
void Routing::apply(Way& way, std::string_view entry, std::string_view domain) {
    const auto colon = entry.find(':');
    const std::string_view transport = entry.substr(0, colon);
    const std::string_view nexthop =
        colon == std::string_view::npos ? std::string_view() : entry.substr(colon + 1);
    if (!transport.empty()) {
        way.transport = transport;
        way.nexthop = domain;
    }
    if (!nexthop.empty()) way.nexthop = trim(nexthop);
}

Task<Result<std::string>> Routing::by_sender(const table::Maps& maps, std::string sender) const {
    if (maps.empty()) co_return std::string();
    // Postfix: the null sender is searched as "<>".
    if (sender.empty()) sender = "<>";
    CO_TRY(auto keys, co_await classes_.keys(std::move(sender)));
    CO_TRY(auto hit, co_await maps.search(std::move(keys)));
    if (!hit || iequals(hit->value, "DUNNO")) co_return std::string();
    co_return std::move(hit->value);
}

Task<Result<Routing::Way>> Routing::to_elsewhere(std::string transport, std::string domain,
                                                 std::string sender) const {
    Way way;
    CO_TRY(std::string relay, co_await by_sender(sender_relayhost_, std::move(sender)));
    if (relay.empty()) relay = settings_.relayhost();
    apply(way, transport, domain);
    const auto colon = transport.find(':');
    const bool has_nexthop = colon != std::string::npos && colon + 1 < transport.size();
    if (!has_nexthop && !relay.empty()) way.nexthop = std::move(relay);
    co_return way;
}

Task<Result<Routing::Way>> Routing::by_class(Place place, std::string sender) const {
    Way way;
    std::string domain(domain_of(place.address));
    switch (place.address_class) {
        case ipc::AddressClass::local:
            apply(way, settings_.local_transport(), domain);
            co_return way;
        case ipc::AddressClass::virtual_mailbox:
            apply(way, settings_.virtual_transport(), domain);
            co_return way;
        case ipc::AddressClass::virtual_alias:
            way.transport = "error";
            way.nexthop = "5.1.1 User unknown in virtual alias table";
            co_return way;
        case ipc::AddressClass::relay:
            co_return co_await to_elsewhere(settings_.relay_transport(), std::move(domain),
                                            std::move(sender));
        default:
            break;
    }
    CO_TRY(std::string transport, co_await by_sender(sender_transport_, sender));
    if (transport.empty()) transport = settings_.default_transport();
    co_return co_await to_elsewhere(std::move(transport), std::move(domain), std::move(sender));
}

Task<Result<ipc::Destination>> Routing::route(std::string address, std::string sender) const {
    CO_TRY(Place place, co_await classes_.locate(std::move(address)));
    CO_TRY(Way way, co_await by_class(place, std::move(sender)));
    if (!transport_.empty() && place.address_class != ipc::AddressClass::virtual_alias) {
        auto keys =
            table::transport_keys(place.address, settings_.recipient_delimiter(), parents_match_);
        CO_TRY(auto hit, co_await transport_.search(std::move(keys)));
        if (hit) apply(way, hit->value, domain_of(place.address));
    }
    ipc::Destination destination;
    destination.recipient = std::move(place.address);
    destination.transport = std::move(way.transport);
    destination.nexthop = std::move(way.nexthop);
    co_return destination;
}

}  // namespace facteur::addressd
