#include "smtp-client/targets.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "lib/base/text.h"

namespace facteur::smtp_client {

std::string Target::name_and_ip() const {
    return name + "[" + address.ip() + "]";
}

std::string Target::relay() const {
    if (!address.is_ip()) return name_and_ip();
    return fmt::format("{}[{}]:{}", name, address.ip(), address.port());
}

namespace {

using Found = Result<std::vector<Target>>;

std::minstd_rand& dice() {
    thread_local std::minstd_rand generator(std::random_device{}());
    return generator;
}

int family_rank(const Routing& routing, const Target& target) {
    bool ipv4 = target.address.family() == Address::Family::ipv4;
    if (routing.preference == Routing::Preference::any) return 0;
    return ipv4 == (routing.preference == Routing::Preference::ipv4) ? 0 : 1;
}

/// RFC 5321 section 5.1: by preference, and those of the same one in random order, so that the load
/// is spread.
void put_in_order(const Routing& routing, std::vector<Target>& targets) {
    std::ranges::shuffle(targets, dice());
    std::ranges::stable_sort(targets, [&](const Target& a, const Target& b) {
        if (a.preference != b.preference) return a.preference < b.preference;
        return family_rank(routing, a) < family_rank(routing, b);
    });
}

bool is_self(const Routing& routing, const Target& target) {
    if (iequals(target.name, routing.myhostname)) return true;
    return std::ranges::any_of(routing.own_addresses, [&](const Address& own) {
        return own.bytes() == target.address.bytes();
    });
}

/// RFC 5321 section 5.1: a host that finds itself in the list must not send to itself nor to
/// servers that are no better; they would send the mail back.
Result<void> cut_at_self(const Routing& routing, const Nexthop& nexthop,
                         std::vector<Target>& targets) {
    auto self = std::ranges::find_if(
        targets, [&](const Target& target) { return is_self(routing, target); });
    if (self == targets.end()) return {};
    unsigned ours = self->preference;
    std::erase_if(targets, [&](const Target& target) { return target.preference >= ours; });
    if (!targets.empty()) return {};
    return permanent("mail for " + nexthop.host + " loops back to myself", "5.4.6");
}

Task<Found> add_host(const Routing& routing, Scope& scope, std::string name, unsigned preference,
                     std::uint16_t port) {
    std::vector<Target> targets;
    if (auto literal = Address::from_ip(name, port)) {
        Target target;
        target.name = name;
        target.address = *literal;
        target.preference = preference;
        targets.push_back(std::move(target));
        co_return targets;
    }
    auto hosts =
        co_await dns::addresses_of(*routing.resolver, scope, name, routing.ipv4, routing.ipv6);
    if (!hosts) co_return std::unexpected(hosts.error());
    for (Address address : hosts->addresses) {
        Target target;
        target.name = name;
        address.set_port(port);
        target.address = address;
        target.preference = preference;
        target.dnssec.host_secure = hosts->authentic;
        target.dnssec.canonical = hosts->canonical;
        targets.push_back(std::move(target));
    }
    co_return targets;
}

Task<Found> mx_hosts(const Routing& routing, Scope& scope, Nexthop nexthop, dns::Answer answer) {
    std::vector<Target> targets;
    std::optional<Error> failure;
    for (const dns::Record& record : answer.records) {
        // An address as MX host is wrong (RFC 5321 section 5.1), and nobody means it well.
        if (record.data.empty() || Address::from_ip(record.data)) continue;
        Found host =
            co_await add_host(routing, scope, record.data, record.preference, nexthop.port);
        if (host) {
            targets.insert(targets.end(), host->begin(), host->end());
        } else if (!failure || host.error().is_temporary()) {
            failure = host.error();
        }
    }
    for (Target& target : targets) {
        target.dnssec.mx = true;
        target.dnssec.mx_secure = answer.authentic;
        target.dnssec.mx_domain = nexthop.host;
        target.dnssec.mx_canonical = answer.canonical;
    }
    if (!targets.empty()) co_return targets;
    if (!failure) {
        failure = Error{Error::Kind::permanent, "5.4.4",
                        "no MX host for " + nexthop.host + " has a valid address record"};
    }
    if (routing.defer_if_no_mx_address && !failure->is_temporary()) {
        failure->kind = Error::Kind::temporary;
        failure->status = "4.4.4";
    }
    co_return std::unexpected(*std::move(failure));
}

bool is_null_mx(const dns::Answer& answer) {
    return answer.records.size() == 1 && answer.records[0].data.empty();
}

}  // namespace

Task<Found> find_targets(const Routing& routing, Scope& scope, Nexthop nexthop) {
    std::vector<Target> targets;
    if (!nexthop.socket_path.empty()) {
        Target target;
        target.name = routing.myhostname;
        target.address = Address::unix_path(nexthop.socket_path);
        targets.push_back(std::move(target));
        co_return targets;
    }
    bool use_mx = nexthop.use_mx && !Address::from_ip(nexthop.host);
    Result<dns::Answer> mx = dns::Answer();
    if (use_mx) mx = co_await routing.resolver->query(scope, nexthop.host, dns::Type::mx);
    // Only a "no" makes the domain its own MX: while the name service fails we do not know
    // (RFC 5321 section 5.1).
    if (!mx) co_return std::unexpected(mx.error());
    if (mx->found() && is_null_mx(*mx)) {
        co_return permanent("Domain " + nexthop.host + " does not accept mail (nullMX)", "5.1.10");
    }
    Found found = std::vector<Target>();
    if (mx->found()) {
        found = co_await mx_hosts(routing, scope, nexthop, *mx);
    } else {
        found = co_await add_host(routing, scope, nexthop.host, 0, nexthop.port);
    }
    if (!found) co_return found;
    targets = *std::move(found);
    put_in_order(routing, targets);
    // On another port than 25 something else than ourselves may listen.
    constexpr std::uint16_t kSmtpPort = 25;
    if (nexthop.port == kSmtpPort) {
        CO_TRY_VOID(cut_at_self(routing, nexthop, targets));
    }
    co_return targets;
}

}  // namespace facteur::smtp_client
