#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>

#include "lib/base/result.h"

namespace facteur {

/// The address of one end of a connection: IPv4, IPv6 (an IPv4-mapped one becomes IPv4), or Unix.
class Address {
public:
    enum class Family : std::uint8_t { none, ipv4, ipv6, unix_socket };

    Address() = default;
    /// From what the kernel or the resolver filled in; Family::none for other families.
    static Address from(const sockaddr* address, socklen_t size);
    /// "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; never a name.
    static std::optional<Address> from_ip(std::string_view ip, std::uint16_t port = 0);
    /// 4 or 16 bytes in network order, as in A and AAAA records.
    static Address from_bytes(std::string_view bytes, std::uint16_t port = 0);
    static Address unix_path(std::string_view path);
    /// "192.0.2.1:25", "[2001:db8::1]:25", "unix:private/lmtp".
    static Result<Address> parse(std::string_view text);

    Family family() const { return family_; }
    bool is_ip() const { return family_ == Family::ipv4 || family_ == Family::ipv6; }
    std::uint16_t port() const { return port_; }
    void set_port(std::uint16_t port) { port_ = port; }
    /// 127.0.0.0/8 or ::1, and every Unix socket.
    bool is_loopback() const;

    /// As Postfix logs it between brackets: "192.0.2.1", "2001:db8::1", or the path; "unknown".
    std::string ip() const;
    /// "192.0.2.1:25", "[2001:db8::1]:25", "unix:private/lmtp"; parse() takes it back.
    std::string text() const;
    /// RFC 5321 section 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]".
    std::string literal() const;
    /// 4 or 16 bytes in network order; the path of a Unix socket.
    const std::string& bytes() const { return bytes_; }
    /// The name below in-addr.arpa or ip6.arpa (RFC 1035 section 3.5, RFC 3596 section 2.5).
    std::string reverse_name() const;

    /// Fills storage for bind(2) and connect(2) and returns the size; 0 when there is none or the
    /// path is too long.
    socklen_t fill(sockaddr_storage& storage) const;
    bool operator==(const Address&) const = default;

private:
    Family family_ = Family::none;
    std::uint16_t port_ = 0;
    std::string bytes_;
};

}  // namespace facteur
