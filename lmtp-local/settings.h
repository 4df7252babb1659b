#pragma once

#include "lib/config/common.h"

namespace facteur::lmtp_local {

struct Settings : conf::Common {
    conf::Param<int> jobs{params, "local_delivery_jobs", 2000, conf::Range<int>{1, 100000},
                          "Delivery jobs that qmgr may give to lmtp-local at a time."};
    conf::Param<conf::Milliseconds> flush_delay{
        params, "mailbox_flush_delay", conf::Milliseconds(1000),
        conf::at_least(conf::Milliseconds(1)),
        "How long a delivered message may wait for the flush after which the queue forgets it."};
    conf::Param<int> flush_messages{
        params, "mailbox_flush_messages", 2000, conf::at_least(1),
        "With so many delivered messages waiting, the flush comes at once."};
    conf::Param<int> user_cache{params, "local_user_cache", 4096, conf::at_least(0),
                                "Users that are remembered for a few seconds after a delivery."};
    conf::Param<bool> forward_files{
        params, "allow_forward_files", true,
        "Whether system users may redirect their mail with ~/.forward."};
    conf::Param<bool> expand_owner_alias{
        params, "expand_owner_alias", false,
        "Whether mail to an alias with an owner- alias goes on with what that alias expands to as "
        "its sender, instead of the owner- address itself."};
    conf::Param<conf::Seconds> timeout{params, "lmtpd_timeout", conf::Seconds(300),
                                       conf::at_least(conf::Seconds(1)),
                                       "How long an LMTP client may take to send one command."};
    conf::Param<int> recipient_limit{params, "lmtpd_recipient_limit", 1000,
                                     conf::Range<int>{100, 100000},
                                     "Recipients of one message over LMTP."};
};

}  // namespace facteur::lmtp_local
