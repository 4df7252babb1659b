#include "addressd/classes.h"

#include <algorithm>

#include "addressd/rewrite.h"
#include "lib/base/text.h"
#include "lib/config/interfaces.h"

namespace facteur::addressd {
namespace {

bool parents_match(const Settings& settings, std::string_view list) {
    const auto& lists = settings.parent_domain_matches_subdomains();
    return std::find(lists.begin(), lists.end(), list) != lists.end();
}

/// The addresses at which this host receives mail, as bytes: user@[192.0.2.1] is local there.
std::set<std::string> receiving_addresses(const Settings& settings) {
    std::set<std::string> addresses;
    auto add = [&](std::string_view ip) {
        if (auto bytes = table::address_bytes(ip)) addresses.insert(*bytes);
    };
    for (const std::string& word : settings.inet_interfaces()) {
        add(word);
        for (const conf::Interface& interface : conf::own_interfaces()) {
            if (word == "all" || (word == "loopback-only" && interface.loopback)) add(interface.ip);
        }
    }
    for (const std::string& word : settings.proxy_interfaces.addresses())
        add(word);
    return addresses;
}

}  // namespace

Classes::Classes(const Settings& settings, table::Tables& tables)
    : settings_(settings),
      own_addresses_(receiving_addresses(settings)),
      mydestination_(tables, settings.mydestination(), false),
      virtual_alias_domains_(tables, settings.virtual_alias_domains(),
                             parents_match(settings, "virtual_alias_domains")),
      virtual_mailbox_domains_(tables, settings.virtual_mailbox_domains(),
                               parents_match(settings, "virtual_mailbox_domains")),
      relay_domains_(tables, settings.relay_domains(), parents_match(settings, "relay_domains")),
      canonical_(tables, settings.canonical_maps()),
      recipient_canonical_(tables, settings.recipient_canonical_maps()),
      virtual_alias_(tables, settings.virtual_alias_maps()),
      local_recipients_(tables, settings.local_recipient_maps()),
      virtual_mailboxes_(tables, settings.virtual_mailbox_maps()),
      relay_recipients_(tables, settings.relay_recipient_maps()) {}

Task<Result<bool>> Classes::is_local(std::string domain) const {
    if (domain.starts_with('[') && domain.ends_with(']')) {
        // RFC 5321 section 4.1.3
        std::string_view ip(domain);
        ip = ip.substr(1, ip.size() - 2);
        if (istarts_with(ip, "IPv6:")) ip.remove_prefix(5);
        const auto bytes = table::address_bytes(ip);
        if (bytes && own_addresses_.contains(*bytes)) co_return true;
    }
    co_return co_await mydestination_.matches_name(std::move(domain));
}

Task<Result<ipc::AddressClass>> Classes::of_domain(std::string domain) const {
    CO_TRY(bool local, co_await is_local(domain));
    if (local) co_return ipc::AddressClass::local;
    CO_TRY(bool alias, co_await virtual_alias_domains_.matches_name(domain));
    if (alias) co_return ipc::AddressClass::virtual_alias;
    CO_TRY(bool mailbox, co_await virtual_mailbox_domains_.matches_name(domain));
    if (mailbox) co_return ipc::AddressClass::virtual_mailbox;
    CO_TRY(bool relay, co_await relay_domains_.matches_name(domain));
    if (relay) co_return ipc::AddressClass::relay;
    co_return ipc::AddressClass::other;
}

Task<Result<Place>> Classes::locate(std::string address) const {
    Place place;
    place.address = rewrite(address, settings_);
    if (place.address.empty()) {
        place.address = rewrite(settings_.empty_address_recipient(), settings_);
    }
    // Each round takes one domain of ours off, so the length bounds it; 20 bounds the cost.
    for (int round = 0; round < 20; ++round) {
        CO_TRY(place.address_class, co_await of_domain(std::string(domain_of(place.address))));
        if (place.address_class != ipc::AddressClass::local) co_return place;
        const std::string_view local = local_part_of(place.address);
        const bool routed =
            (settings_.rewriting.resolve_dequoted_address() &&
             local.find('@') != std::string_view::npos) ||
            (settings_.allow_percent_hack() && local.find('%', 1) != std::string_view::npos) ||
            (settings_.swap_bangpath() && local.find('!', 1) != std::string_view::npos);
        if (!routed) co_return place;
        std::string inner = rewrite(local, settings_);
        if (inner == place.address) co_return place;
        place.address = std::move(inner);
    }
    co_return permanent("too many routes in the address", "5.1.3");
}

Task<Result<bool>> Classes::is_own(std::string domain) const {
    if (iequals(domain, settings_.myorigin())) co_return true;
    co_return co_await is_local(std::move(domain));
}

Task<Result<std::vector<table::Key>>> Classes::keys(std::string address) const {
    CO_TRY(bool own, co_await is_own(std::string(domain_of(address))));
    co_return table::address_keys(address, settings_.delimiters(), own);
}

const table::Maps* Classes::recipients_of(ipc::AddressClass address_class) const {
    switch (address_class) {
        case ipc::AddressClass::local:
            return &local_recipients_;
        case ipc::AddressClass::virtual_mailbox:
            return &virtual_mailboxes_;
        case ipc::AddressClass::relay:
            return &relay_recipients_;
        default:
            return nullptr;
    }
}

Task<Result<bool>> Classes::is_mapped(std::string address) const {
    CO_TRY(auto questions, co_await keys(std::move(address)));
    for (const table::Maps* maps : {&recipient_canonical_, &canonical_, &virtual_alias_}) {
        if (maps->empty()) continue;
        CO_TRY(auto hit, co_await maps->search(questions));
        if (hit) co_return true;
    }
    co_return false;
}

Task<Result<bool>> Classes::exists(Place place) const {
    CO_TRY(bool mapped, co_await is_mapped(place.address));
    if (mapped) co_return true;
    CO_TRY(auto questions, co_await keys(place.address));
    if (place.address_class == ipc::AddressClass::virtual_alias) co_return false;
    const table::Maps* recipients = recipients_of(place.address_class);
    if (!recipients || recipients->empty()) co_return true;
    if (place.address_class == ipc::AddressClass::local) {
        questions = table::address_keys(place.address, settings_.delimiters(), true);
    }
    CO_TRY(auto hit, co_await recipients->search(questions));
    co_return hit.has_value();
}

}  // namespace facteur::addressd
