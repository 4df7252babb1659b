#include "lib/login/login_service.h"

#include <algorithm>

#include <sys/socket.h>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/net/socket.h"

namespace facteur::login {

LoginService::LoginService(daemon::Process& process, const Settings& settings, std::string protocol,
                           LogIn log_in, std::string refusal)
    : Service(process),
      door_(process.scope(), settings, std::move(protocol)),
      log_in_(std::move(log_in)),
      refusal_(std::move(refusal)) {
    for (const std::string& word : settings.haproxy_trusted_networks()) {
        auto network = table::Network::parse(word);
        if (!network) log_warning("haproxy_trusted_networks: " + network.error().text);
        if (network) proxies_.push_back(*std::move(network));
    }
}

/// Asked once here, so that the first client need not wait for it; failures are asked again later.
Task<void> LoginService::start() {
    co_await door_.tls.get();
    co_await door_.mechanisms();
}

daemon::Limits LoginService::limits() const {
    daemon::Limits limits;
    // A proxy speaks for many; its clients are counted when they are known.
    if (!door_.settings.haproxy())
        limits.per_client = static_cast<std::size_t>(door_.settings.client_connection_limit());
    return limits;
}

Task<void> LoginService::connection(Fd socket, const daemon::Listener&) {
    Caller caller(std::move(socket));
    if (door_.settings.haproxy()) {
        co_await proxied(std::move(caller));
    } else {
        co_await log_in_(door_, process().sessions(), std::move(caller));
    }
}

/// Who may not speak for others hears nothing: it could be the client itself, which makes up where
/// it is.
Task<Result<ProxyHeader>> LoginService::header_of(const Caller& caller) {
    const Address proxy = peer_address(caller.socket.get());
    const auto bytes = table::address_bytes(proxy.ip());
    const bool trusted =
        bytes && std::any_of(proxies_.begin(), proxies_.end(), [&](const table::Network& network) {
            return network.contains(*bytes);
        });
    if (!trusted) co_return permanent("haproxy_trusted_networks does not hold " + proxy.ip());
    co_return co_await read_proxy_header(process().sessions(), caller.socket,
                                         door_.settings.haproxy_timeout());
}

Task<void> LoginService::proxied(Caller caller) {
    std::string failure;
    try {
        auto header = co_await header_of(caller);
        if (!header) failure = header.error().text;
        // The proxy's own connection ("LOCAL") speaks for itself: health checks.
        if (header && header->is_proxied) caller.proxied = *std::move(header);
    } catch (const Disconnect& end) {
        failure = end.what();
    }
    if (!failure.empty()) {
        log_warning("proxy " + peer_address(caller.socket.get()).text() + ": " + failure);
        co_return;
    }
    const std::string client = caller.proxied ? caller.proxied->source.ip() : std::string();
    const int limit = door_.settings.client_connection_limit();
    if (limit > 0 && !client.empty() && behind_proxy_[client] >= limit) {
        ::send(caller.socket.get(), refusal_.data(), refusal_.size(), MSG_DONTWAIT);
        co_return;
    }
    if (!client.empty()) ++behind_proxy_[client];
    co_await log_in_(door_, process().sessions(), std::move(caller));  // never throws
    if (!client.empty() && --behind_proxy_[client] == 0) behind_proxy_.erase(client);
}

std::string LoginService::refusal(const std::string&) {
    return refusal_;
}

}  // namespace facteur::login
