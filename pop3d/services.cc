#include "pop3d/services.h"

#include "pop3d/login_session.h"
#include "pop3d/session.h"

namespace facteur::pop3d {

LoginService::LoginService(daemon::Process& process, const login::Settings& settings)
    : Service(process), door_(process.scope(), settings, "pop3") {}

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
    return "-ERR [SYS/TEMP] Too many connections from your address.\r\n";
}

MailboxService::MailboxService(daemon::Process& process, const Settings& settings)
    : login::MailboxService(process, "pop3", settings.mailbox, settings),
      pop3_settings_(settings) {}

Task<MailboxService::Ending> MailboxService::converse(Stream& stream, store::Store& store,
                                                      const ipc::OpenSession&) {
    Session conversation(stream, store, pop3_settings_);
    co_await conversation.run();
    Ending ending;
    ending.why = conversation.ending();
    ending.detail = conversation.statistics();
    co_return ending;
}

}  // namespace facteur::pop3d
