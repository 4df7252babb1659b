#include "smtp-client/start.h"

#include <algorithm>

#include <ifaddrs.h>
#include <netinet/in.h>

#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"

namespace facteur::smtp_client {
namespace {

std::vector<Address> interface_addresses() {
    std::vector<Address> addresses;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return addresses;
    for (const ifaddrs* one = list; one; one = one->ifa_next) {
        if (!one->ifa_addr) continue;
        socklen_t size =
            one->ifa_addr->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
        Address address = Address::from(one->ifa_addr, size);
        if (address.is_ip()) addresses.push_back(address);
    }
    ::freeifaddrs(list);
    return addresses;
}

/// inet_interfaces: the addresses where our own smtpd listens.
std::vector<Address> own_addresses(const Settings& settings) {
    std::vector<Address> own;
    for (const std::string& word : settings.inet_interfaces()) {
        if (auto address = Address::from_ip(word)) own.push_back(*address);
        for (const Address& address : interface_addresses()) {
            bool wanted = word == "all" || (word == "loopback-only" && address.is_loopback());
            if (wanted) own.push_back(address);
        }
    }
    return own;
}

}  // namespace

std::unique_ptr<dns::Resolver> resolver_for(const Settings& settings) {
    dns::Options options;
    options.servers = settings.dns.servers();
    options.timeout = settings.dns.timeout();
    options.tries = settings.dns.tries();
    options.cache_entries = static_cast<std::size_t>(settings.dns.cache());
    return must(dns::make_resolver(options));
}

/// A file of authorities; without it their certificates are not trusted, and mail that needs no
/// trust goes on.
std::string authorities(const std::string& file) {
    if (file.empty()) return {};
    constexpr std::size_t kLimit = 16 << 20;
    auto text = read_file(file, kLimit);
    if (text) return *text + "\n";
    log_error(text.error().text);
    return {};
}

TlsClientOptions tls_options(const TlsSettings& settings, const SharedTlsSettings& shared) {
    TlsClientOptions options;
    options.ca_pem = authorities(settings.ca_file());
    if (shared.default_authorities()) options.ca_pem += authorities(shared.default_ca_file());
    options.ca_path = settings.ca_path();
    options.min_protocol = "TLSv1";  // each policy says what it wants
    if (settings.session_time().count() > 0)
        options.sessions = static_cast<std::size_t>(settings.sessions());
    options.session_time = settings.session_time();
    return options;
}

TlsGround ground_for(const Settings& settings) {
    TlsGround ground(settings);
    for (const Error& problem : ground.read_anchors())
        log_error(problem.text);
    return ground;
}

Routing routing_for(const Settings& settings, dns::Resolver& resolver,
                    const Reachability& reachability) {
    Routing routing;
    routing.resolver = &resolver;
    routing.myhostname = settings.myhostname();
    routing.own_addresses = own_addresses(settings);
    const auto& protocols = settings.inet_protocols();
    auto has = [&](std::string_view word) {
        return std::ranges::find(protocols, word) != protocols.end();
    };
    routing.ipv4 = has("all") || has("ipv4");
    routing.ipv6 = has("all") || has("ipv6");
    if (settings.address_preference() == "ipv4") routing.preference = Routing::Preference::ipv4;
    if (settings.address_preference() == "ipv6") routing.preference = Routing::Preference::ipv6;
    routing.defer_if_no_mx_address = settings.defer_if_no_mx_address();
    routing.ignore_mx_error = settings.ignore_mx_error();
    routing.randomize = settings.randomize_addresses();
    routing.balance = settings.balance_protocols();
    routing.limit = static_cast<std::size_t>(settings.mx_address_limit());
    routing.srv_services = settings.use_srv_lookup();
    routing.srv_fallback = settings.srv_fallback();
    routing.ignore_srv_error = settings.ignore_srv_error();
    routing.reachability = &reachability;
    return routing;
}

}  // namespace facteur::smtp_client
