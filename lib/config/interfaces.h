#pragma once

#include <string>
#include <vector>

namespace facteur::conf {

/// One address of this host.
struct Interface {
    std::string ip;       ///< "192.0.2.1", "2001:db8::1"
    std::string host;     ///< "192.0.2.1/32", "[2001:db8::1]/128"
    std::string network;  ///< "192.0.2.0/24", "[2001:db8::]/64"
    bool loopback = false;
};
/// The addresses of all network interfaces that are up, IPv4 first.
std::vector<Interface> own_interfaces();

}  // namespace facteur::conf
