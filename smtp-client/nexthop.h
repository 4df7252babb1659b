#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::smtp_client {

/// SMTP, or LMTP (RFC 2033): LHLO, and an answer for each recipient at the end.
enum class Protocol : std::uint8_t { smtp, lmtp };

/// Where a job goes, as transport(5) and relayhost write it.
struct Nexthop {
    std::string host;  ///< domain, host name or address without brackets
    std::uint16_t port = 25;
    std::string service;      ///< the port as it was written, "submission"; empty: the default
    bool use_mx = true;       ///< false in brackets, and for LMTP
    std::string socket_path;  ///< of a Unix socket, instead of all that

    /// "example.com", "example.com:587", "[mx.example.com]:submission", "[ipv6:2001:db8::1]",
    /// "inet:host:24", "unix:private/lmtp".
    static Result<Nexthop> parse(std::string_view text, Protocol protocol,
                                 std::uint16_t default_port);
};

/// "25", or one of the names that people write (/etc/services is out of reach in the sandbox).
std::optional<std::uint16_t> port_number(std::string_view text);

}  // namespace facteur::smtp_client
