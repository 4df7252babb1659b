#include "smtpd/smtpd.h"

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/net/proxy_header.h"
#include "lib/net/socket.h"
#include "smtpd/session.h"
#include "smtpd/tls_choice.h"

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
    authorities_ = client_authorities(settings.tls);
}

Task<void> Smtpd::start() {
    remote_ = std::make_unique<Remote>(process().scope(), settings_, std::move(resolver_),
                                       std::move(authorities_));
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
    const ScreenSettings& screen = settings_.screen;
    const bool screened = screen.enable();
    const bool proxied = !(screened ? screen.upstream() : settings_.upstream()).empty();
    ProxyHeader header;
    if (proxied) {
        const Milliseconds patience =
            screened ? screen.upstream_timeout() : settings_.upstream_timeout();
        const bool known = co_await read_header(socket, patience, header);
        if (!known) co_return;
    }
    Session session(*server_, std::move(socket), header.is_proxied ? &header : nullptr);
    co_await session.run();
}

/// For whom the proxy speaks; false: it is none, and hears nothing.
Task<bool> Smtpd::read_header(const Fd& socket, Milliseconds patience, ProxyHeader& header) {
    const Address proxy = peer_address(socket.get());
    const bool trusted = settings_.upstream_networks().empty() ||
                         co_await server_->proxies.holds_address(*remote_, proxy);
    if (!trusted) {
        log_warning("haproxy_trusted_networks does not hold " + proxy.ip());
        co_return false;
    }
    std::string failure;
    try {
        auto found = co_await read_proxy_header(process().sessions(), socket, patience);
        if (found) header = *std::move(found);
        if (!found) failure = found.error().text;
    } catch (const Disconnect& end) {
        failure = end.what();
    }
    if (!failure.empty()) log_warning("proxy " + proxy.text() + ": " + failure);
    co_return failure.empty();
}

Task<void> Smtpd::drain() {
    if (server_) process().sessions().spawn(server_->dismiss_idle());
    co_return;
}

}  // namespace facteur::smtpd
