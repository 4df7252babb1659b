#pragma once

#include <string>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/config/master_cf.h"
#include "master/settings.h"

namespace facteur::master {

/// Where an inet service listens: host and port of master.cf's first column.
struct Endpoint {
    std::string host;  ///< empty: the addresses of inet_interfaces
    std::string port;  ///< number or a name of /etc/services
    bool operator==(const Endpoint&) const = default;
};
/// "smtp", "25", "host:port", "[2001:db8::1]:port".
Result<Endpoint> parse_endpoint(const std::string& name);

/// What identifies a service's sockets over reloads, in order: the bound addresses, as
/// "inet 0.0.0.0:25" or "unix private/queue".  Resolves names.
Result<std::vector<std::string>> identities(const conf::ServiceLine& service,
                                            const Settings& settings);

/// Opens one; paths are below the current directory.
Result<Fd> open_socket(const std::string& identity, const Settings& settings);

/// Takes the name of a Unix socket that no service has any more out of its folder.
void remove_socket(const std::string& identity);

}  // namespace facteur::master
