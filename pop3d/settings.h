#pragma once

#include "lib/config/common.h"
#include "lib/login/mailbox_settings.h"
#include "lib/login/settings.h"

namespace facteur::pop3d {

/// Parameters of both stages.
struct Settings : conf::Common {
    login::Settings login{*this, "pop3d"};
    login::MailboxSettings mailbox{*this, "pop3d"};
    conf::Param<conf::Seconds> timeout{
        params, "pop3d_timeout", conf::Seconds(600), conf::at_least(conf::Seconds(1)),
        "How long a client may be silent before its session ends, without removing anything; RFC "
        "1939 section 3 asks for at least 10 minutes."};
    conf::Param<conf::Seconds> write_timeout{
        params, "pop3d_write_timeout", conf::Seconds(300), conf::at_least(conf::Seconds(1)),
        "How long a client may take to receive the next block of an answer."};
    conf::Param<int> bad_command_limit{params, "pop3d_bad_command_limit", 20, conf::at_least(1),
                                       "So many invalid commands in succession end the session."};
    conf::Param<bool> no_flag_updates{params, "pop3_no_flag_updates", false,
                                      "Whether RETR leaves messages unseen for IMAP clients."};
};

}  // namespace facteur::pop3d
