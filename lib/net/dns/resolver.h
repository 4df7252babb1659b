#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/time.h"
#include "lib/event/task.h"
#include "lib/event/timers.h"
#include "lib/net/address.h"
#include "lib/net/dns/message.h"

namespace facteur {
class Scope;
}

namespace facteur::dns {

struct Options {
    /// "192.0.2.1", "127.0.0.1:5353", "[::1]:53"; empty: those of /etc/resolv.conf, read at once.
    std::vector<std::string> servers;
    Milliseconds timeout{5000};  ///< for the first try; each further round takes twice as long
    int tries = 2;               ///< rounds through all servers
    std::size_t cache_entries = 10000;
    Seconds cache_most{86400};  ///< longest time to keep a record, whatever its TTL
    Seconds cache_no{3600};     ///< longest time to keep a "no" (RFC 2308 section 5)
};

/// Questions to the name service; tests have their own.
class Resolver {
public:
    virtual ~Resolver() = default;
    /// What the records are, or that there are none; a name service that fails or does not answer
    /// in time is a temporary Error (try_again()), a name that cannot exist a permanent one.
    /// International names are asked for in their ASCII form.  Throws Cancelled only.
    virtual Task<Result<Answer>> query(Scope& scope, std::string name, Type type,
                                       TimePoint deadline = kNever) = 0;
};

/// The one over c-ares: caches, and asks once for all who want to know the same at the same time.
/// Make it before the sandbox: it reads /etc/resolv.conf.
Result<std::unique_ptr<Resolver>> make_resolver(const Options& options);

/// The addresses of a host: A and AAAA as wanted, in the order of the answers.  Nothing found is
/// a permanent Error, and a temporary one only when nothing was found because the service failed.
struct Hosts {
    std::vector<Address> addresses;
    std::string canonical;
    bool authentic = false;
};
Task<Result<Hosts>> addresses_of(Resolver& resolver, Scope& scope, std::string name, bool ipv4,
                                 bool ipv6, TimePoint deadline = kNever);

/// The name of a client as Postfix shows it.
struct ClientName {
    enum class Status { verified, none, failed, forged };
    std::string name = "unknown";     ///< only when it resolves back to the address
    std::string reverse = "unknown";  ///< what the PTR record says
    Status status = Status::none;     ///< failed: the name service did not answer
};
/// PTR, then A or AAAA of what it says.  Never fails; "localhost" needs no lookup.
Task<ClientName> client_name(Resolver& resolver, Scope& scope, Address address,
                             TimePoint deadline = kNever);

}  // namespace facteur::dns
