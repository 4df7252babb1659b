#include "master/sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/text.h"

namespace facteur::master {
namespace {

struct Found {
    addrinfo* list = nullptr;
    Found() = default;
    Found(const Found&) = delete;
    Found& operator=(const Found&) = delete;
    ~Found() {
        if (list) ::freeaddrinfo(list);
    }
};

bool speaks(const Settings& settings, std::string_view protocol) {
    for (const std::string& word : settings.inet_protocols())
        if (word == "all" || word == protocol) return true;
    return false;
}

int family_of(const Settings& settings) {
    bool v4 = speaks(settings, "ipv4");
    bool v6 = speaks(settings, "ipv6");
    if (v4 && v6) return AF_UNSPEC;
    return v6 ? AF_INET6 : AF_INET;
}

std::string identity_of(const addrinfo& found) {
    char host[NI_MAXHOST] = "";
    char port[NI_MAXSERV] = "";
    ::getnameinfo(found.ai_addr, found.ai_addrlen, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV);
    if (found.ai_family == AF_INET6) return "inet [" + std::string(host) + "]:" + port;
    return "inet " + std::string(host) + ":" + port;
}

/// `host` empty: the wildcard addresses.
Result<void> resolve(const std::string& host, const std::string& port, int family,
                     std::vector<std::string>& out) {
    addrinfo hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    Found found;
    int status =
        ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found.list);
    if (status != 0)
        return permanent("cannot listen on \"" + host + "\" port \"" + port +
                         "\": " + ::gai_strerror(status));
    for (const addrinfo* each = found.list; each; each = each->ai_next) {
        std::string identity = identity_of(*each);
        if (std::find(out.begin(), out.end(), identity) == out.end())
            out.push_back(std::move(identity));
    }
    return {};
}

Result<std::vector<std::string>> inet_identities(const conf::ServiceLine& service,
                                                 const Settings& settings) {
    TRY(auto endpoint, parse_endpoint(service.name));
    std::vector<std::string> out;
    int family = family_of(settings);
    if (!endpoint.host.empty()) {
        // A literal address is meant, whatever inet_protocols says about the rest.
        std::string host = endpoint.host == "localhost" ? "127.0.0.1" : endpoint.host;
        TRY_VOID(resolve(host, endpoint.port, AF_UNSPEC, out));
        return out;
    }
    for (const std::string& interface : settings.inet_interfaces()) {
        if (interface == "all") {
            TRY_VOID(resolve("", endpoint.port, family, out));
        } else if (interface == "loopback-only" || interface == "localhost") {
            for (const char* address : {"127.0.0.1", "::1"}) {
                bool is_v6 = address[0] == ':';
                if (family == (is_v6 ? AF_INET : AF_INET6)) continue;
                TRY_VOID(resolve(address, endpoint.port, AF_UNSPEC, out));
            }
        } else {
            TRY_VOID(resolve(interface, endpoint.port, family, out));
        }
    }
    return out;
}

/// "inet 127.0.0.1:25" back into an address.
Result<Fd> open_inet(std::string_view text, const Settings& settings) {
    TRY(auto endpoint, parse_endpoint(std::string(text)));
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    Found found;
    if (::getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &found.list) != 0)
        return permanent("not an address: " + std::string(text));
    const addrinfo& address = *found.list;
    Fd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return system_error("socket");
    int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Accepted connections inherit it.  Without it a greeting behind TLS waits for the client's
    // delayed acknowledgement of the session ticket: 40 ms.
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // IPv4 has its own socket, so that log lines and tables never see ::ffff:192.0.2.1.
    if (address.ai_family == AF_INET6)
        ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) < 0)
        return system_error("bind " + std::string(text));
    if (::listen(fd.get(), settings.backlog()) < 0)
        return system_error("listen " + std::string(text));
    return fd;
}

/// private/ is reached by the group of the daemons, public/ by everybody: who may do what there
/// is decided by the daemon behind it (SO_PEERCRED).
Result<Fd> open_unix(const std::string& path, const Settings& settings) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return permanent("socket name too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return system_error("socket");
    // Only a master that holds the lock comes here: what is there is left from an earlier run.
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) return system_error("unlink " + path);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
        return system_error("bind " + path);
    bool is_private = path.starts_with("private/");
    if (::geteuid() == 0 && is_private) {
        const group* entry = ::getgrnam(settings.private_group().c_str());
        if (!entry) return permanent("no such group: " + settings.private_group());
        if (::chown(path.c_str(), 0, entry->gr_gid) < 0) return system_error("chown " + path);
    }
    if (::chmod(path.c_str(), is_private ? 0660 : 0666) < 0) return system_error("chmod " + path);
    if (::listen(fd.get(), settings.backlog()) < 0) return system_error("listen " + path);
    return fd;
}

}  // namespace

Result<Endpoint> parse_endpoint(const std::string& name) {
    if (name.starts_with('[')) {
        auto close = name.find("]:");
        if (close == std::string::npos) return permanent("\"" + name + "\": write [address]:port");
        return Endpoint{name.substr(1, close - 1), name.substr(close + 2)};
    }
    auto colon = name.rfind(':');
    if (colon == std::string::npos) return Endpoint{"", name};
    if (name.find(':') != colon)
        return permanent("\"" + name + "\": write an IPv6 address as [address]:port");
    return Endpoint{name.substr(0, colon), name.substr(colon + 1)};
}

Result<std::vector<std::string>> identities(const conf::ServiceLine& service,
                                            const Settings& settings) {
    if (service.type == conf::ServiceLine::Type::inet) return inet_identities(service, settings);
    const char* folder = service.is_private ? "private/" : "public/";
    return std::vector<std::string>{"unix " + (folder + service.name)};
}

Result<Fd> open_socket(const std::string& identity, const Settings& settings) {
    std::string where = identity.substr(5);
    if (identity.starts_with("inet ")) return open_inet(where, settings);
    return open_unix(where, settings);
}

void remove_socket(const std::string& identity) {
    if (identity.starts_with("unix ")) ::unlink(identity.c_str() + 5);
}

}  // namespace facteur::master
