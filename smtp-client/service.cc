#include "smtp-client/service.h"

#include <algorithm>

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"

namespace facteur::smtp_client {
namespace {

constexpr Milliseconds kAuthdBudget{5000};

template <class T>
T must(Result<T> result) {
    if (!result) log_fatal(result.error().text);
    return *std::move(result);
}

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

Address bind_address(const std::string& text) {
    if (text.empty()) return {};
    auto address = Address::from_ip(text);
    if (!address) log_fatal("smtp_bind_address: bad address " + printable(text));
    return *address;
}

/// smtp_bind_address; when inet_interfaces names a single address of this family, mail leaves from
/// it too, as it would from a host that has no other.
Address source(const Settings& settings, const std::string& text, Address::Family family) {
    if (!text.empty()) return bind_address(text);
    Address only;
    for (const std::string& word : settings.inet_interfaces()) {
        auto address = Address::from_ip(word);
        if (!address) return {};
        if (address->family() != family) continue;
        if (only.is_ip() || address->is_loopback()) return {};
        only = *address;
    }
    return only;
}

DialOptions dial_for(const Settings& settings) {
    DialOptions options;
    options.timeout = settings.timeouts.connect();
    options.head_start = settings.head_start();
    options.bind4 = source(settings, settings.bind_address(), Address::Family::ipv4);
    options.bind6 = source(settings, settings.bind_address6(), Address::Family::ipv6);
    options.bind_enforce = settings.bind_enforce();
    if (!settings.socks_proxy().empty())
        options.proxy = must(Address::parse(settings.socks_proxy()));
    return options;
}

}  // namespace

SmtpClient::SmtpClient(daemon::Process& process, const Settings& settings, Protocol protocol)
    : Service(process),
      resolver_(resolver_for(settings)),
      address_(process.scope(), "private/address"),
      authd_(process.scope(), "private/auth", kAuthdBudget),
      ground_(ground_for(settings)),
      tls_(tls_options(settings.tls, settings.shared_tls), std::string(), &authd_,
           protocol == Protocol::lmtp ? "lmtp-client" : "smtp-client"),
      lookups_(address_),
      security_(ground_, lookups_, *resolver_, process.scope()),
      logins_(settings.sasl, lookups_),
      reachability_(static_cast<std::size_t>(settings.unreachable_entries()),
                    settings.unreachable_time()),
      cache_(process.scope(), settings.cache_time(),
             static_cast<std::size_t>(settings.cache_entries())),
      around_(new Surroundings{settings, protocol, routing_for(settings, *resolver_, reachability_),
                               lookups_, logins_, tls_, security_, cache_, process.scope(),
                               reachability_, dial_for(settings)}),
      agent_(std::make_unique<Agent>(*around_, static_cast<std::uint32_t>(settings.jobs()))) {}

SmtpClient::~SmtpClient() = default;

Task<void> SmtpClient::connection(Fd socket, const daemon::Listener&) {
    return agent_->serve(std::move(socket));
}

Task<void> SmtpClient::drain() {
    return agent_->drain();
}

std::string SmtpClient::status() const {
    return fmt::format("deliveries={} unsettled={} idle_connections={}", agent_->running(),
                       agent_->unsettled(), cache_.size());
}

}  // namespace facteur::smtp_client
