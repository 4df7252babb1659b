#include "lib/net/address.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "lib/base/text.h"

namespace facteur {
namespace {

constexpr std::string_view kMappedPrefix("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

std::string_view bytes_at(const void* data, std::size_t size) {
    return {static_cast<const char*>(data), size};
}

}  // namespace

Address Address::from_bytes(std::string_view bytes, std::uint16_t port) {
    Address result;
    if (bytes.size() == 16 && bytes.starts_with(kMappedPrefix)) bytes.remove_prefix(12);
    if (bytes.size() != 4 && bytes.size() != 16) return result;
    result.family_ = bytes.size() == 4 ? Family::ipv4 : Family::ipv6;
    result.port_ = port;
    result.bytes_ = bytes;
    return result;
}

Address Address::from(const sockaddr* address, socklen_t size) {
    if (size < sizeof(sa_family_t)) return {};
    if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
        sockaddr_in in{};
        std::memcpy(&in, address, sizeof in);
        return from_bytes(bytes_at(&in.sin_addr, 4), ntohs(in.sin_port));
    }
    if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
        sockaddr_in6 in{};
        std::memcpy(&in, address, sizeof in);
        return from_bytes(bytes_at(&in.sin6_addr, 16), ntohs(in.sin6_port));
    }
    if (address->sa_family != AF_UNIX) return {};
    std::string_view path = bytes_at(address, size).substr(offsetof(sockaddr_un, sun_path));
    return unix_path(path.substr(0, std::min(path.size(), path.find('\0'))));
}

std::optional<Address> Address::from_ip(std::string_view ip, std::uint16_t port) {
    if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
    if (ip.size() >= INET6_ADDRSTRLEN) return std::nullopt;
    std::string text(ip);
    unsigned char raw[16];
    if (::inet_pton(AF_INET, text.c_str(), raw) == 1) return from_bytes(bytes_at(raw, 4), port);
    if (::inet_pton(AF_INET6, text.c_str(), raw) == 1) return from_bytes(bytes_at(raw, 16), port);
    return std::nullopt;
}

Address Address::unix_path(std::string_view path) {
    Address result;
    result.family_ = Family::unix_socket;
    result.bytes_ = path;
    return result;
}

Result<Address> Address::parse(std::string_view text) {
    if (text.starts_with("unix:")) return unix_path(text.substr(5));
    auto colon = text.rfind(':');
    if (colon != std::string_view::npos) {
        auto port = parse_number(text.substr(colon + 1));
        auto ip = from_ip(text.substr(0, colon));
        bool bracketed = text.front() == '[';
        if (ip && port && *port <= 65535 && bracketed == (ip->family() == Family::ipv6)) {
            ip->port_ = static_cast<std::uint16_t>(*port);
            return *ip;
        }
    }
    return permanent("bad address " + printable(text) +
                     ": expected IP:port, [IPv6]:port or unix:path");
}

bool Address::is_loopback() const {
    switch (family_) {
        case Family::ipv4:
            return bytes_[0] == 127;
        case Family::ipv6:
            return bytes_ == std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
        case Family::unix_socket:
            return true;
        case Family::none:
            return false;
    }
    return false;
}

std::string Address::ip() const {
    char text[INET6_ADDRSTRLEN] = "unknown";
    if (family_ == Family::unix_socket) return bytes_.empty() ? "unix" : bytes_;
    if (is_ip())
        ::inet_ntop(family_ == Family::ipv4 ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
    return text;
}

std::string Address::text() const {
    if (family_ == Family::unix_socket) return "unix:" + bytes_;
    if (family_ == Family::ipv6) return fmt::format("[{}]:{}", ip(), port_);
    return fmt::format("{}:{}", ip(), port_);
}

std::string Address::literal() const {
    return (family_ == Family::ipv6 ? "[IPv6:" : "[") + ip() + "]";
}

std::string Address::reverse_name() const {
    std::string name;
    if (!is_ip()) return name;
    for (auto byte = bytes_.rbegin(); byte != bytes_.rend(); ++byte) {
        unsigned value = static_cast<unsigned char>(*byte);
        name += family_ == Family::ipv4 ? fmt::format("{}.", value)
                                        : fmt::format("{:x}.{:x}.", value & 15, value >> 4);
    }
    return name + (family_ == Family::ipv4 ? "in-addr.arpa" : "ip6.arpa");
}

socklen_t Address::fill(sockaddr_storage& storage) const {
    storage = sockaddr_storage{};
    if (family_ == Family::ipv4) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(port_);
        std::memcpy(&in.sin_addr, bytes_.data(), 4);
        std::memcpy(&storage, &in, sizeof in);
        return sizeof in;
    }
    if (family_ == Family::ipv6) {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(port_);
        std::memcpy(&in.sin6_addr, bytes_.data(), 16);
        std::memcpy(&storage, &in, sizeof in);
        return sizeof in;
    }
    sockaddr_un un{};
    if (family_ != Family::unix_socket || bytes_.size() >= sizeof un.sun_path) return 0;
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path, bytes_.data(), bytes_.size());
    std::memcpy(&storage, &un, sizeof un);
    return sizeof un;
}

}  // namespace facteur
