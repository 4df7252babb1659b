#pragma once

#include <string>
#include <vector>

#include "lib/ipc/client.h"
#include "lib/login/authd_tls.h"
#include "lib/login/penalty.h"
#include "lib/login/settings.h"

namespace facteur::login {

/// What all connections of one login-stage process share.
class Door {
public:
    /// protocol: "imap" or "pop3"; its mailbox stage listens at private/PROTOCOL-mailbox.
    Door(Scope& scope, const Settings& door_settings, std::string door_protocol);

    /// SASL mechanisms, as authd has them; asked once.
    Task<std::vector<std::string>> mechanisms();

    const Settings& settings;
    const std::string protocol;
    ipc::Client authd;
    ipc::Client mailbox;
    AuthdTls tls;
    Penalty penalty;

private:
    std::vector<std::string> mechanisms_;
};

}  // namespace facteur::login
