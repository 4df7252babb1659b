#include "smtpd/smtpd.h"

#include "lib/base/log.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

Smtpd::Smtpd(daemon::Process& process, const Settings& settings)
    : Service(process), settings_(settings) {
    dns::Options options;
    options.servers = settings.dns.servers();
    options.timeout = settings.dns.timeout();
    options.tries = settings.dns.tries();
    options.cache_entries = static_cast<std::size_t>(settings.dns.cache());
    auto resolver = dns::make_resolver(options);
    if (!resolver) log_fatal("name service: " + resolver.error().text);
    resolver_ = *std::move(resolver);
}

Task<void> Smtpd::start() {
    remote_ = std::make_unique<Remote>(process().scope(), settings_, std::move(resolver_));
    server_ =
        std::make_unique<Server>(process().sessions(), settings_, *remote_, process().service());
    if (settings_.limits.per_client() > 0)
        process().scope().spawn(server_->watch_policyd(process().scope()));
    co_return;
}

daemon::Limits Smtpd::limits() const {
    daemon::Limits limits;
    limits.connections = static_cast<std::size_t>(settings_.limits.connections());
    return limits;
}

Task<void> Smtpd::connection(Fd socket, const daemon::Listener&) {
    Session session(*server_, std::move(socket));
    co_await session.run();
}

Task<void> Smtpd::drain() {
    if (server_) process().sessions().spawn(server_->dismiss_idle());
    co_return;
}

}  // namespace facteur::smtpd
