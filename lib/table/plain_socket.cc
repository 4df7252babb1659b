#include "lib/table/plain_socket.h"

#include <cerrno>
#include <cstring>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/text.h"

namespace facteur::table {
namespace {

struct HostPort {
    std::string host;
    std::string port;
};

Result<HostPort> host_and_port(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == text.size())
        return permanent("\"" + printable(text, 80) + "\": write inet:host:port or unix:/path");
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return HostPort{std::string(host), std::string(text.substr(colon + 1))};
}

struct Addresses {
    addrinfo* list = nullptr;
    Addresses() = default;
    Addresses(const Addresses&) = delete;
    Addresses& operator=(const Addresses&) = delete;
    ~Addresses() {
        if (list) ::freeaddrinfo(list);
    }
};

/// Connected, or on the way to be: then the socket becomes writable.
Result<Fd> begin(int family, const sockaddr* address, socklen_t size) {
    Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return system_error("socket");
    if (::connect(fd.get(), address, size) < 0 && errno != EINPROGRESS)
        return system_error("connect");
    return fd;
}

Result<void> outcome(const Fd& fd) {
    int code = 0;
    socklen_t size = sizeof code;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size);
    if (code == 0) return {};
    errno = code;
    return system_error("connect");
}

}  // namespace

void PlainSocket::set_time(std::chrono::milliseconds time) {
    deadline_ = std::chrono::steady_clock::now() + time;
}

Result<void> PlainSocket::wait_for(short events) {
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline_ - std::chrono::steady_clock::now());
        if (left.count() <= 0) return temporary("no answer in time");
        pollfd entry{fd_.get(), events, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(left.count()));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return system_error("poll");
    }
}

Result<PlainSocket> PlainSocket::connect(const std::string& place, std::chrono::milliseconds time) {
    PlainSocket made;
    made.set_time(time);
    if (place.starts_with("unix:")) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = place.substr(5);
        if (path.size() >= sizeof address.sun_path) return permanent(path + " is too long");
        std::memcpy(address.sun_path, path.data(), path.size());
        auto fd = begin(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        if (!fd) return temporary(place + ": " + fd.error().text);
        made.fd_ = *std::move(fd);
        return made;
    }
    TRY(HostPort there, host_and_port(place.starts_with("inet:") ? place.substr(5) : place));
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    Addresses found;
    const int code = ::getaddrinfo(there.host.c_str(), there.port.c_str(), &hints, &found.list);
    if (code != 0) return temporary(place + ": " + ::gai_strerror(code));
    Result<PlainSocket> last = temporary(place + ": no address");
    for (const addrinfo* each = found.list; each; each = each->ai_next) {
        auto fd = begin(each->ai_family, each->ai_addr, each->ai_addrlen);
        if (!fd) {
            last = temporary(place + ": " + fd.error().text);
            continue;
        }
        made.fd_ = *std::move(fd);
        auto ready = made.wait_for(POLLOUT);
        if (ready) ready = outcome(made.fd_);
        if (ready) return made;
        last = temporary(place + ": " + ready.error().text);
    }
    return last;
}

Result<void> PlainSocket::send(std::string_view text) {
    while (!text.empty()) {
        TRY_VOID(wait_for(POLLOUT));
        const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) return system_error("send");
        if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<void> PlainSocket::read_more() {
    TRY_VOID(wait_for(POLLIN));
    char block[4096];
    const ssize_t got = ::recv(fd_.get(), block, sizeof block, 0);
    if (got == 0) return temporary("the server closed the connection");
    if (got < 0 && errno != EAGAIN && errno != EINTR) return system_error("recv");
    if (got > 0) input_.append(block, static_cast<std::size_t>(got));
    return {};
}

Result<std::string> PlainSocket::read_until(char end, std::size_t limit) {
    for (;;) {
        const auto place = input_.find(end);
        if (std::min(place, input_.size()) > limit) return temporary("a reply that is too long");
        if (place != std::string::npos) {
            std::string text = input_.substr(0, place);
            input_.erase(0, place + 1);
            return text;
        }
        TRY_VOID(read_more());
    }
}

Result<std::string> PlainSocket::read_line(std::size_t limit) {
    return read_until('\n', limit);
}

Result<std::string> PlainSocket::read_exactly(std::size_t bytes) {
    while (input_.size() < bytes) {
        TRY_VOID(read_more());
    }
    std::string text = input_.substr(0, bytes);
    input_.erase(0, bytes);
    return text;
}

}  // namespace facteur::table
