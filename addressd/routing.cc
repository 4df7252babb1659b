#include "addressd/routing.h"

#include <algorithm>

#include "addressd/rewrite.h"
#include "lib/base/text.h"

namespace facteur::addressd {

namespace {

/// 192.0.2.1 where a name should be.
bool is_numeric(std::string_view domain) {
    const auto bytes = table::address_bytes(domain);
    return bytes && bytes->size() == 4;
}

}  // namespace

Routing::Routing(const Settings& settings, const Classes& classes, table::Tables& tables)
    : settings_(settings),
      classes_(classes),
      mail_{settings.local_transport(),
            settings.virtual_transport(),
            settings.relay_transport(),
            settings.default_transport(),
            settings.relayhost(),
            table::Maps(tables, settings.transport_maps()),
            table::Maps(tables, settings.sender_dependent_relayhost_maps()),
            table::Maps(tables, settings.sender_dependent_default_transport_maps())},
      probe_{settings.verify.local_transport(),
             settings.verify.virtual_transport(),
             settings.verify.relay_transport(),
             settings.verify.default_transport(),
             settings.verify.relayhost(),
             table::Maps(tables, settings.verify.transport_maps()),
             table::Maps(tables, settings.verify.sender_relayhost_maps()),
             table::Maps(tables, settings.verify.sender_transport_maps())},
      relocated_(tables, settings.rewriting.relocated_maps()) {
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
    CO_TRY(auto keys, co_await classes_.keys(std::move(sender)));
    CO_TRY(auto hit, co_await maps.search(std::move(keys)));
    if (!hit || iequals(hit->value, "DUNNO")) co_return std::string();
    co_return std::move(hit->value);
}

Task<Result<Routing::Way>> Routing::to_elsewhere(const Plan& plan, std::string transport,
                                                 std::string domain, std::string sender) const {
    Way way;
    if (sender.empty()) sender = settings_.empty_address_relayhost_maps_lookup_key();
    CO_TRY(std::string relay, co_await by_sender(plan.sender_relayhosts, std::move(sender)));
    if (relay.empty()) relay = plan.relayhost;
    apply(way, transport, domain);
    const auto colon = transport.find(':');
    const bool has_nexthop = colon != std::string::npos && colon + 1 < transport.size();
    if (!has_nexthop && !relay.empty()) way.nexthop = std::move(relay);
    co_return way;
}

Task<Result<Routing::Way>> Routing::by_class(const Plan& plan, Place place,
                                             std::string sender) const {
    Way way;
    std::string domain(domain_of(place.address));
    switch (place.address_class) {
        case ipc::AddressClass::local:
            apply(way, plan.local, domain);
            co_return way;
        case ipc::AddressClass::virtual_mailbox:
            apply(way, plan.virtual_, domain);
            co_return way;
        case ipc::AddressClass::virtual_alias:
            way.transport = "error";
            way.nexthop = "5.1.1 User unknown in virtual alias table";
            co_return way;
        case ipc::AddressClass::relay:
            co_return co_await to_elsewhere(plan, plan.relay, std::move(domain), std::move(sender));
        default:
            break;
    }
    // RFC 5321 section 4.1.3: an address of a host stands in brackets.
    if (is_numeric(domain)) {
        if (!settings_.rewriting.resolve_numeric_domain()) {
            way.transport = "error";
            way.nexthop = "5.1.3 bad address syntax";
            co_return way;
        }
        domain = "[" + domain + "]";
    }
    std::string key = sender;
    if (key.empty()) key = settings_.empty_address_default_transport_maps_lookup_key();
    CO_TRY(std::string transport, co_await by_sender(plan.sender_transports, std::move(key)));
    if (transport.empty()) transport = plan.default_;
    co_return co_await to_elsewhere(plan, std::move(transport), std::move(domain),
                                    std::move(sender));
}

Task<Result<std::string>> Routing::moved_to(std::string address) const {
    if (relocated_.empty()) co_return std::string();
    CO_TRY(auto keys, co_await classes_.keys(std::move(address)));
    CO_TRY(auto hit, co_await relocated_.search(std::move(keys)));
    if (!hit) co_return std::string();
    co_return "5.1.6 User has moved to " + hit->value;
}

Task<Result<ipc::Destination>> Routing::route(std::string address, std::string sender,
                                              bool verify) const {
    const Plan& plan = verify ? probe_ : mail_;
    CO_TRY(Place place, co_await classes_.locate(std::move(address)));
    CO_TRY(std::string moved, co_await moved_to(place.address));
    Way way;
    if (place.address.starts_with('-') && !settings_.syntax.allow_min_user()) {
        // Programs that get it could take it for an option.
        way.transport = "error";
        way.nexthop = "5.1.3 bad address syntax";
    } else if (!moved.empty()) {
        way.transport = "error";
        way.nexthop = std::move(moved);
    } else {
        CO_TRY(way, co_await by_class(plan, place, std::move(sender)));
        if (!plan.transports.empty() && place.address_class != ipc::AddressClass::virtual_alias) {
            auto keys =
                table::transport_keys(place.address, settings_.delimiters(), parents_match_);
            CO_TRY(auto hit, co_await plan.transports.search(std::move(keys)));
            if (hit) apply(way, hit->value, domain_of(place.address));
        }
    }
    ipc::Destination destination;
    destination.recipient = std::move(place.address);
    destination.transport = std::move(way.transport);
    destination.nexthop = std::move(way.nexthop);
    co_return destination;
}

// Postfix's smtpd(8): "anything that resolves to the error mailer is known to be undeliverable".
Task<Result<std::string>> Routing::refusal(std::string address) const {
    if (relocated_.empty() && mail_.transports.empty()) co_return std::string();
    CO_TRY(Place place, co_await classes_.locate(address));
    if (place.address_class == ipc::AddressClass::virtual_alias) co_return std::string();
    CO_TRY(ipc::Destination way, co_await route(std::move(address), "<>"));
    if (way.transport == "error") co_return way.nexthop;
    co_return std::string();
}

}  // namespace facteur::addressd
