#include "lib/config/common.h"

#include <unistd.h>

#include "lib/config/interfaces.h"
#include "lib/config/load.h"

namespace facteur::conf {

// As Postfix: a host name without a dot is completed with mydomain.
std::string hostname_of_system(const Values& values) {
    char name[256] = "localhost";
    if (gethostname(name, sizeof name - 1) != 0) return "localhost.localdomain";
    std::string host(name);
    if (host.find('.') != std::string::npos) return host;
    return host + "." + (values.is_set("mydomain") ? values.get("mydomain") : "localdomain");
}

std::string domain_of_myhostname(const Values& values) {
    const std::string host = values.get("myhostname");
    const auto dot = host.find('.');
    return dot == std::string::npos ? "localdomain" : host.substr(dot + 1);
}

// postconf(5), mynetworks_style.  "class" is a trap that opened many relays (a cloud host trusts
// its whole former class A network), so it is read as "subnet" here.
std::string networks_of_style(const Values& values) {
    const bool whole_subnet = values.get("mynetworks_style") != "host";
    const bool loopback_only = values.get("inet_interfaces") == "loopback-only";
    std::string networks;
    for (const Interface& interface : own_interfaces()) {
        if (loopback_only && !interface.loopback) continue;
        const std::string network = whole_subnet ? interface.network : interface.host;
        if (!networks.empty()) networks += ' ';
        networks += network;
    }
    return networks.empty() ? "127.0.0.0/8 [::1]/128" : networks;
}

}  // namespace facteur::conf
