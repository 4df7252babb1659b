#pragma once

#include "lib/config/common.h"
#include "lib/daemon/daemon.h"

namespace facteur::daemon {

/// What the skeleton itself needs.
struct Settings : conf::Common {
    conf::Param<std::string> smtp_owner{params, "smtp_owner", "facteur-smtp",
                                        "The user that smtpd and smtp-client run as."};
    conf::Param<std::string> queue_owner{params, "queue_owner", "facteur-queue",
                                         "The user that qmgr runs as; owns the spool."};
    conf::Param<std::string> store_owner{
        params, "store_owner", "facteur-store",
        "The user that lmtp-local runs as, and the mailbox stages where no other user owns the "
        "mail; owns the mail of virtual users."};
    conf::Param<std::string> login_owner{params, "login_owner", "facteur-login",
                                         "The user that the login stages of IMAP and POP3 run as."};
    conf::Param<std::string> lookup_owner{params, "lookup_owner", "facteur-lookup",
                                          "The user that addressd runs as; reads the tables."};
    conf::Param<std::string> auth_owner{
        params, "auth_owner", "facteur-auth",
        "The user that authd runs as; reads passwords and TLS private keys."};
    conf::Param<std::string> policy_owner{params, "policy_owner", "facteur-policy",
                                          "The user that policyd runs as."};
    conf::Param<std::string> private_group{
        params, "private_group", "facteur",
        "The group of all daemons; only its members reach the sockets in private/."};
    conf::Param<bool> sandbox{
        params, "sandbox", true,
        "Lock each daemon in with Landlock and seccomp.  Switched off only to debug a daemon."};
    conf::Param<bool> debug{params, "debug", false, "Write lines for developers to the log too."};
};

/// The user name for an Owner; empty for root.
std::string owner_name(const Settings& settings, Owner owner);

}  // namespace facteur::daemon
