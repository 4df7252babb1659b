#pragma once

#include "lib/daemon/service.h"
#include "lib/login/door.h"

namespace facteur::imapd {

/// The login stage: services imap and imaps.
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

}  // namespace facteur::imapd
