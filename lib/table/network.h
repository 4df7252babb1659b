#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::table {

/// An IP network: "192.0.2.0/24", "2001:db8::/32", "[::1]/128", or one address.
class Network {
public:
    /// An Error for host bits behind the prefix, with the network that was meant.
    static Result<Network> parse(std::string_view text);
    /// address: 4 or 16 bytes in network order.
    bool contains(std::string_view address) const;
    const std::string& bytes() const { return bytes_; }
    unsigned prefix() const { return prefix_; }

private:
    std::string bytes_;
    unsigned prefix_ = 0;
};

/// 4 or 16 bytes in network order; IPv6 with or without brackets; an IPv4-mapped address becomes
/// IPv4, as everywhere in this suite.
std::optional<std::string> address_bytes(std::string_view ip);

}  // namespace facteur::table
