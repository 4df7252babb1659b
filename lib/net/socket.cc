#include "lib/net/socket.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/readiness.h"
#include "lib/event/scope.h"
#include "lib/event/sleep.h"

namespace facteur {
namespace {

constexpr int kKind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

Fd open_socket(const Address& address) {
    switch (address.family()) {
        case Address::Family::ipv4:
            return Fd(::socket(AF_INET, kKind, 0));
        case Address::Family::ipv6:
            return Fd(::socket(AF_INET6, kKind, 0));
        case Address::Family::unix_socket:
            return Fd(::socket(AF_UNIX, kKind, 0));
        case Address::Family::none:
            break;
    }
    errno = EAFNOSUPPORT;
    return {};
}

void set_option(int fd, int level, int option) {
    int on = 1;
    ::setsockopt(fd, level, option, &on, sizeof on);
}

const sockaddr* as_sockaddr(const sockaddr_storage& storage) {
    return reinterpret_cast<const sockaddr*>(&storage);  // NOLINT: how the socket API has it
}

/// Nobody listens at a path whose connect(2) is refused: a process left it behind when it died.
bool is_stale(const sockaddr_storage& storage, socklen_t size) {
    Fd probe(::socket(AF_UNIX, kKind, 0));
    return ::connect(probe.get(), as_sockaddr(storage), size) != 0 && errno == ECONNREFUSED;
}

/// Mail dialogues are small packets whose answers the other side waits for.
void tune(int fd, const Address& address) {
    if (address.is_ip()) set_option(fd, IPPROTO_TCP, TCP_NODELAY);
}

using NameFunction = int (*)(int, sockaddr*, socklen_t*);

Address name_of(int fd, NameFunction function) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);  // NOLINT: how the socket API has it
    return function(fd, address, &size) == 0 ? Address::from(address, size) : Address();
}

Result<void> bind_socket(int fd, const Address& address) {
    sockaddr_storage storage{};
    socklen_t size = address.fill(storage);
    if (size == 0) return permanent("cannot bind to " + address.text() + ": bad address");
    if (::bind(fd, as_sockaddr(storage), size) == 0) return {};
    return system_error("cannot bind to " + address.text());
}

}  // namespace

Result<Fd> listen_on(const Address& address, int backlog) {
    Fd fd = open_socket(address);
    if (!fd) return system_error("cannot make a socket for " + address.text());
    if (address.family() == Address::Family::unix_socket) {
        sockaddr_storage storage{};
        socklen_t size = address.fill(storage);
        if (size > 0 && is_stale(storage, size)) ::unlink(address.bytes().c_str());
    } else {
        set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    }
    if (address.family() == Address::Family::ipv6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
    TRY_VOID(bind_socket(fd.get(), address));
    if (::listen(fd.get(), backlog) == 0) return fd;
    return system_error("cannot listen on " + address.text());
}

Task<Result<Fd>> connect_to(Scope& scope, Address address, TimePoint deadline, Address bind_to) {
    std::string what = "connect to " + address.text();
    Fd fd = open_socket(address);
    if (!fd) co_return system_error(what);
    if (bind_to.family() == address.family()) {
        CO_TRY_VOID(bind_socket(fd.get(), bind_to));
    }
    tune(fd.get(), address);
    sockaddr_storage storage{};
    socklen_t size = address.fill(storage);
    if (::connect(fd.get(), as_sockaddr(storage), size) == 0) co_return fd;
    // A Unix socket whose backlog is full says EAGAIN, and no event follows: the caller's to
    // repeat.
    if (errno != EINPROGRESS) co_return system_error(what);
    try {
        Readiness readiness(fd.get());
        readiness.would_block(Readiness::write);
        co_await readiness.wait(Readiness::write, scope, deadline);
    } catch (const TimedOut&) {
        errno = ETIMEDOUT;
        co_return system_error(what);
    } catch (const Closed& failure) {
        co_return temporary(what + ": " + failure.what());
    }
    socklen_t length = sizeof errno;
    int failed = 0;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failed, &length);
    errno = failed;
    if (failed != 0) co_return system_error(what);
    co_return fd;
}

Task<void> accept_loop(Scope& scope, int listener, std::function<void(Fd)> take,
                       std::function<Task<void>()> gate) {
    Readiness readiness(listener);
    for (;;) {
        if (gate) co_await gate();
        Fd connection(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (connection) {
            set_option(connection.get(), IPPROTO_TCP, TCP_NODELAY);
            take(std::move(connection));
        } else if (errno == EAGAIN) {
            readiness.would_block(Readiness::read);
            co_await readiness.wait(Readiness::read, scope);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warning(std::string("cannot accept connections: ") + std::strerror(errno));
            co_await Sleep(scope, Seconds(1));
        }
        if (scope.cancelled()) co_return;
    }
}

Result<std::pair<Fd, Fd>> socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, kKind, 0, ends) != 0) return system_error("socketpair");
    return std::pair(Fd(ends[0]), Fd(ends[1]));
}

Address local_address(int fd) {
    return name_of(fd, ::getsockname);
}

Address peer_address(int fd) {
    return name_of(fd, ::getpeername);
}

}  // namespace facteur
