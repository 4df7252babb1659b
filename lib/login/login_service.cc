#include "lib/login/login_service.h"

namespace facteur::login {

LoginService::LoginService(daemon::Process& process, const Settings& settings, std::string protocol,
                           LogIn log_in, std::string refusal)
    : Service(process),
      door_(process.scope(), settings, std::move(protocol)),
      log_in_(std::move(log_in)),
      refusal_(std::move(refusal)) {}

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
    co_await log_in_(door_, process().sessions(), std::move(socket));
}

std::string LoginService::refusal(const std::string&) {
    return refusal_;
}

}  // namespace facteur::login
