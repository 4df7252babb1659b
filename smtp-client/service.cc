#include "smtp-client/service.h"

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "smtp-client/start.h"

namespace facteur::smtp_client {
namespace {

/// How long mail waits for what it can do without.
constexpr Milliseconds kPatience{5000};

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

/// What web servers prove themselves with is read before the sandbox.
bool needs_web(const Settings& settings) {
    return settings.shared_tls.mta_sts() || settings.shared_tls.tlsrpt();
}

}  // namespace

SmtpClient::SmtpClient(daemon::Process& process, const Settings& settings, Protocol protocol)
    : Service(process),
      resolver_(resolver_for(settings)),
      reachability_(static_cast<std::size_t>(settings.unreachable_entries()),
                    settings.unreachable_time()),
      address_(process.scope(), "private/address"),
      lookups_(address_),
      filtered_(*resolver_, "smtp_dns_reply_filter",
                [this, &settings](std::string record) {
                    return lookups_.find(settings.dns_reply_filter(), ipc::LookupKey::exact,
                                         std::move(record));
                }),
      routing_(routing_for(settings, settings.dns_reply_filter().empty() ? *resolver_ : filtered_,
                           reachability_)),
      authd_(process.scope(), "private/auth", kPatience),
      policyd_(process.scope(), "private/policy", kPatience),
      ground_(ground_for(settings)),
      web_ca_pem_(needs_web(settings) ? authorities(settings.shared_tls.mta_sts_ca_file())
                                      : std::string()),
      tls_(tls_options(settings.tls, settings.shared_tls), web_ca_pem_, &authd_,
           protocol == Protocol::lmtp ? "lmtp-client" : "smtp-client"),
      memory_(policyd_),
      sts_(sts_for(process, settings, protocol)),
      security_(ground_, lookups_, *resolver_, process.scope(), sts_.get()),
      logins_(settings.sasl, lookups_),
      outgoing_(settings, lookups_),
      reporter_(reporter_for(process, settings, protocol)),
      cache_(process.scope(), settings.cache_time(),
             static_cast<std::size_t>(settings.cache_entries())),
      around_(new Surroundings{settings, protocol, routing_, lookups_, logins_, outgoing_, tls_,
                               security_, cache_, process.scope(), reachability_,
                               dial_for(settings)}),
      agent_(std::make_unique<Agent>(*around_, static_cast<std::uint32_t>(settings.jobs()),
                                     "private/" + process.service())) {
    around_->reports = reporter_.get();
}

Task<void> SmtpClient::start() {
    if (reporter_) reporter_->start();
    co_return;
}

SmtpClient::~SmtpClient() = default;

std::unique_ptr<StsPolicies> SmtpClient::sts_for(daemon::Process& process, const Settings& settings,
                                                 Protocol protocol) {
    if (!settings.shared_tls.mta_sts() || protocol == Protocol::lmtp) return nullptr;
    auto fetch =
        https_fetch(routing_, process.scope(), process.workers(), settings.shared_tls, web_ca_pem_);
    return std::make_unique<StsPolicies>(process.scope(), *resolver_, std::move(fetch), memory_,
                                         sts_limits(settings.shared_tls));
}

std::unique_ptr<TlsReporter> SmtpClient::reporter_for(daemon::Process& process,
                                                      const Settings& settings, Protocol protocol) {
    if (!settings.shared_tls.tlsrpt() || protocol == Protocol::lmtp) return nullptr;
    auto post =
        https_post(routing_, process.scope(), process.workers(), settings.shared_tls, web_ca_pem_);
    return std::make_unique<TlsReporter>(process.scope(), *resolver_, policyd_,
                                         settings.shared_tls.tlsrpt_skip_reused(), std::move(post));
}

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
