#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

struct sockaddr;

namespace facteur::daemon {

/// How many connections each client address holds.  An IPv6 client owns a whole /64, so that is
/// what is counted.
class PeerCount {
public:
    /// The key of an address; empty for one that has none (Unix sockets).
    static std::string key(const sockaddr& address);

    std::size_t add(const std::string& key);  ///< the number including this one
    void remove(const std::string& key);
    std::size_t clients() const { return counts_.size(); }

private:
    std::unordered_map<std::string, std::size_t> counts_;
};

/// "192.0.2.1", "2001:db8::1", "local"; IPv4 in IPv6 as IPv4.
std::string address_text(const sockaddr& address);

}  // namespace facteur::daemon
