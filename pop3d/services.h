#pragma once

#include "lib/daemon/service.h"
#include "lib/login/door.h"
#include "lib/login/mailbox_service.h"
#include "pop3d/settings.h"

namespace facteur::pop3d {

/// The login stage: services pop3 and pop3s.
class LoginService : public daemon::Service {
public:
    LoginService(daemon::Process& process, const login::Settings& settings);

    Task<void> start() override;
    daemon::Limits limits() const override;
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    std::string refusal(const std::string& client_address) override;

private:
    login::Door door_;
};

/// The mailbox stage: service pop3-mailbox.
class MailboxService : public login::MailboxService {
public:
    MailboxService(daemon::Process& process, const Settings& settings);

protected:
    Task<Ending> converse(Stream& stream, store::Store& store,
                          const ipc::OpenSession& session) override;

private:
    const Settings& pop3_settings_;
};

}  // namespace facteur::pop3d
