#include "lib/config/interfaces.h"

#include <algorithm>
#include <bit>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

namespace facteur::conf {
namespace {

std::string ip_text(int family, const std::string& bytes) {
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(family, bytes.data(), text, sizeof text);
    return text;
}

std::string bytes_of(const sockaddr* address) {
    if (address->sa_family == AF_INET) {
        const auto* in = reinterpret_cast<const sockaddr_in*>(address);
        return {reinterpret_cast<const char*>(&in->sin_addr), 4};
    }
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(address);
    return {reinterpret_cast<const char*>(&in6->sin6_addr), 16};
}

std::string with_prefix(int family, const std::string& bytes, unsigned prefix) {
    const std::string ip = ip_text(family, bytes);
    const std::string host = family == AF_INET ? ip : "[" + ip + "]";
    return host + "/" + std::to_string(prefix);
}

Interface describe(const ifaddrs& found) {
    const int family = found.ifa_addr->sa_family;
    std::string bytes = bytes_of(found.ifa_addr);
    const std::string mask =
        found.ifa_netmask ? bytes_of(found.ifa_netmask) : std::string(bytes.size(), '\xff');
    Interface interface;
    interface.ip = ip_text(family, bytes);
    interface.host = with_prefix(family, bytes, static_cast<unsigned>(bytes.size()) * 8);
    unsigned prefix = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        prefix += static_cast<unsigned>(std::popcount(static_cast<unsigned char>(mask[i])));
        bytes[i] = static_cast<char>(bytes[i] & mask[i]);
    }
    interface.network = with_prefix(family, bytes, prefix);
    interface.loopback = (found.ifa_flags & IFF_LOOPBACK) != 0;
    return interface;
}

}  // namespace

std::vector<Interface> own_interfaces() {
    std::vector<Interface> interfaces;
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) != 0) return interfaces;
    for (const int family : {AF_INET, AF_INET6}) {
        for (const ifaddrs* one = all; one; one = one->ifa_next) {
            if (!one->ifa_addr || one->ifa_addr->sa_family != family) continue;
            if (one->ifa_flags & IFF_UP) interfaces.push_back(describe(*one));
        }
    }
    freeifaddrs(all);
    return interfaces;
}

}  // namespace facteur::conf
