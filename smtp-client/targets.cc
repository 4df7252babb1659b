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
/// is spread; those that did not answer lately come last among their equals.
void put_in_order(const Routing& routing, std::vector<Target>& targets) {
    if (routing.randomize) std::ranges::shuffle(targets, dice());
    auto is_bad = [&](const Target& target) {
        return routing.reachability && routing.reachability->is_bad(target.address);
    };
    std::ranges::stable_sort(targets, [&](const Target& a, const Target& b) {
        if (a.preference != b.preference) return a.preference < b.preference;
        if (is_bad(a) != is_bad(b)) return is_bad(b);
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
Result<void> cut_at_self(const Routing& routing, const Nexthop& nexthop, Servers& servers) {
    std::vector<Target>& targets = servers.targets;
    auto self = std::ranges::find_if(
        targets, [&](const Target& target) { return is_self(routing, target); });
    if (self == targets.end()) return {};
    servers.self_is_mx = true;
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

/// RFC 2782: by priority, and among those of the same one by a lot that their weights decide.
std::vector<dns::Record> drawn(std::vector<dns::Record> records) {
    std::vector<dns::Record> order;
    std::ranges::stable_sort(records, {}, &dns::Record::preference);
    while (!records.empty()) {
        std::size_t equals = 0;
        unsigned long sum = 0;
        while (equals < records.size() && records[equals].preference == records[0].preference)
            sum += records[equals++].weight;
        unsigned long lot = std::uniform_int_distribution<unsigned long>(0, sum)(dice());
        std::size_t chosen = 0;
        while (chosen + 1 < equals && lot > records[chosen].weight)
            lot -= records[chosen++].weight;
        order.push_back(std::move(records[chosen]));
        records.erase(records.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
    return order;
}

Task<Found> srv_hosts(const Routing& routing, Scope& scope, dns::Answer answer) {
    std::vector<Target> targets;
    std::optional<Error> failure;
    unsigned rank = 0;
    for (const dns::Record& record : drawn(std::move(answer.records))) {
        // RFC 2782: a target of "." says that there is no such service.
        if (record.data.empty()) continue;
        Found host = co_await add_host(routing, scope, record.data, rank++, record.port);
        if (host) {
            targets.insert(targets.end(), host->begin(), host->end());
        } else if (!failure || host.error().is_temporary()) {
            failure = host.error();
        }
    }
    if (!targets.empty()) co_return targets;
    if (!failure) {
        failure = Error{Error::Kind::permanent, "5.4.4",
                        "no server for the service of this domain (SRV)"};
    }
    co_return std::unexpected(*std::move(failure));
}

/// use_srv_lookup; nothing: MX counts.
Task<Result<std::optional<std::vector<Target>>>> by_srv(const Routing& routing, Scope& scope,
                                                        Nexthop nexthop) {
    std::optional<std::vector<Target>> targets;
    const auto& services = routing.srv_services;
    std::string service = nexthop.service.empty() ? "smtp" : nexthop.service;
    if (std::ranges::find(services, service) == services.end()) co_return targets;
    std::string name = "_" + service + "._tcp." + nexthop.host;
    auto answer = co_await routing.resolver->query(scope, name, dns::Type::srv);
    if (!answer) {
        if (routing.ignore_srv_error && routing.srv_fallback) co_return targets;
        co_return std::unexpected(answer.error());
    }
    if (!answer->found()) {
        if (routing.srv_fallback) co_return targets;
        co_return std::unexpected(dns::not_found(*answer, name, dns::Type::srv));
    }
    CO_TRY(targets, co_await srv_hosts(routing, scope, *answer));
    co_return targets;
}

bool is_null_mx(const dns::Answer& answer) {
    return answer.records.size() == 1 && answer.records[0].data.empty();
}

}  // namespace

void truncate(std::vector<Target>& targets, std::size_t limit, bool balance) {
    if (limit == 0 || targets.size() <= limit) return;
    auto is_four = [](const Target& target) {
        return target.address.family() == Address::Family::ipv4;
    };
    auto four = static_cast<std::size_t>(std::ranges::count_if(targets, is_four));
    std::size_t six = targets.size() - four;
    if (!balance || limit < 2 || four == 0 || six == 0) {
        targets.resize(limit);
        return;
    }
    // Neither family may take more than half of the places while the other one needs them.
    std::size_t half = limit / 2;
    auto first = static_cast<std::size_t>(std::ranges::count_if(
        targets.begin(), targets.begin() + static_cast<std::ptrdiff_t>(limit), is_four));
    std::size_t least_four = std::min(four, half);
    std::size_t most_four = limit - std::min(six, half);
    std::size_t fours = std::clamp(first, least_four, most_four);
    std::size_t sixes = limit - fours;
    std::erase_if(targets, [&](const Target& target) {
        std::size_t& left = is_four(target) ? fours : sixes;
        return left == 0 || (--left, false);
    });
}

namespace {

/// MX, or the host itself.
Task<Found> by_mx(const Routing& routing, Scope& scope, Nexthop nexthop) {
    Result<dns::Answer> mx = dns::Answer();
    bool use_mx = nexthop.use_mx && !Address::from_ip(nexthop.host);
    if (use_mx) mx = co_await routing.resolver->query(scope, nexthop.host, dns::Type::mx);
    // Only a "no" makes the domain its own MX: while the name service fails we do not know
    // (RFC 5321 section 5.1).
    if (!mx && !routing.ignore_mx_error) co_return std::unexpected(mx.error());
    if (mx && mx->found() && is_null_mx(*mx)) {
        co_return permanent("Domain " + nexthop.host + " does not accept mail (nullMX)", "5.1.10");
    }
    if (mx && mx->found()) co_return co_await mx_hosts(routing, scope, nexthop, *mx);
    co_return co_await add_host(routing, scope, nexthop.host, 0, nexthop.port);
}

}  // namespace

Task<Result<Servers>> find_targets(const Routing& routing, Scope& scope, Nexthop nexthop) {
    Servers servers;
    if (!nexthop.socket_path.empty()) {
        Target target;
        target.name = routing.myhostname;
        target.address = Address::unix_path(nexthop.socket_path);
        servers.targets.push_back(std::move(target));
        co_return servers;
    }
    std::optional<std::vector<Target>> found;
    if (nexthop.use_mx && !Address::from_ip(nexthop.host)) {
        CO_TRY(found, co_await by_srv(routing, scope, nexthop));
    }
    const bool by_service = found.has_value();
    if (!found) {
        CO_TRY(found, co_await by_mx(routing, scope, nexthop));
    }
    servers.targets = *std::move(found);
    put_in_order(routing, servers.targets);
    // On another port than 25 something else than ourselves may listen.
    constexpr std::uint16_t kSmtpPort = 25;
    if (nexthop.port == kSmtpPort && !by_service) {
        CO_TRY_VOID(cut_at_self(routing, nexthop, servers));
    }
    truncate(servers.targets, routing.limit, routing.balance);
    co_return servers;
}

}  // namespace facteur::smtp_client
