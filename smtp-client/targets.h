#pragma once

#include <string>
#include <vector>

#include "lib/event/task.h"
#include "lib/net/address.h"
#include "lib/net/dns/resolver.h"
#include "smtp-client/nexthop.h"
#include "smtp-client/reachability.h"

namespace facteur::smtp_client {

/// One server to try.
struct Target {
    std::string name;         ///< MX host or next hop; as the log shows it
    Address address;          ///< with its port
    unsigned preference = 0;  ///< of the MX record
    /// How far the name service has signed the way here (RFC 7672 section 2.1).
    struct Dnssec {
        bool mx = false;        ///< an MX record led here
        bool mx_secure = true;  ///< and it was validated
        std::string mx_domain;  ///< whose MX record, and what its CNAMEs led to
        std::string mx_canonical;
        bool host_secure = false;  ///< the addresses were validated, with all CNAMEs before them
        std::string canonical;     ///< of the host
    } dnssec;

    /// "mx.example.com[192.0.2.1]", what log lines and bounces call the server.
    std::string name_and_ip() const;
    /// "mx.example.com[192.0.2.1]:25", "host[private/lmtp]": relay=.
    std::string relay() const;
};

/// What the search for servers needs to know.
struct Routing {
    dns::Resolver* resolver = nullptr;
    std::string myhostname;
    std::vector<Address> own_addresses;  ///< to notice that we are the MX ourselves
    bool ipv4 = true;
    bool ipv6 = true;
    enum class Preference { any, ipv4, ipv6 } preference = Preference::any;
    bool defer_if_no_mx_address = false;
    bool ignore_mx_error = false;  ///< ignore_mx_lookup_error: then the domain is its own MX
    bool randomize = true;         ///< smtp_randomize_addresses
    bool balance = true;           ///< smtp_balance_inet_protocols
    std::size_t limit = 0;         ///< smtp_mx_address_limit; 0: none
    std::vector<std::string> srv_services;       ///< use_srv_lookup
    bool srv_fallback = false;                   ///< allow_srv_lookup_fallback
    bool ignore_srv_error = false;               ///< ignore_srv_lookup_error
    const Reachability* reachability = nullptr;  ///< puts those last that did not answer
};

/// Where a next hop is.
struct Servers {
    std::vector<Target> targets;  ///< in the order to try them
    bool self_is_mx = false;      ///< we are one of its MX hosts, but not the best
};

/// The servers of a next hop in the order to try them (RFC 5321 section 5.1): MX by preference,
/// at random among equals; without MX the host itself; a null MX is refused (RFC 7505).  For the
/// services that use_srv_lookup names, SRV records come first (RFC 2782).
Task<Result<Servers>> find_targets(const Routing& routing, Scope& scope, Nexthop nexthop);

/// Leaves `limit` targets; of both families, when there are both and `balance` is set.
void truncate(std::vector<Target>& targets, std::size_t limit, bool balance);

}  // namespace facteur::smtp_client
