#pragma once

#include <string>

#include "lib/config/common.h"
#include "lib/login/login_service.h"
#include "lib/login/mailbox_service.h"
#include "lib/login/mailbox_settings.h"
#include "lib/login/settings.h"

namespace facteur::login {

/// What one protocol adds to the two stages.
struct Stages {
    std::string name;      ///< "imapd"
    std::string protocol;  ///< "imap"
    conf::Common& settings;
    const Settings& login;
    const MailboxSettings& mailbox;
    std::string refusal;  ///< what a client with too many connections hears
    LogIn log_in;
    Converse converse;
};

/// The main() of imapd and pop3d: the login stage (`imapd login`), the mailbox stage (`imapd
/// mailbox`) and, as children of the latter, the processes of the owners of mail.
int run(int argc, char** argv, const Stages& stages);

}  // namespace facteur::login
