#include "imapd/login_service.h"

#include "imapd/login_session.h"

namespace facteur::imapd {

LoginService::LoginService(daemon::Process& process, const login::Settings& settings)
    : Service(process), door_(process.scope(), settings, "imap") {}

/// Asked once here, so that the first client need not wait for it; failures are asked again later.
Task<void> LoginService::start() {
    co_await door_.tls.get();
    co_await door_.mechanisms();
}

daemon::Limits LoginService::limits() const {
    daemon::Limits limits;
    limits.per_client = static_cast<std::size_t>(door_.settings.client_connection_limit());
    return limits;
}

Task<void> LoginService::connection(Fd socket, const daemon::Listener&) {
    LoginSession session(door_, process().sessions(), std::move(socket));
    co_await session.run();
}

std::string LoginService::refusal(const std::string&) {
    return "* BYE [LIMIT] Too many connections from your address.\r\n";
}

}  // namespace facteur::imapd
