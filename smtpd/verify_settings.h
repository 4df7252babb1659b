#pragma once

#include <string>

#include "lib/config/param.h"
#include "smtpd/tempfail.h"

namespace facteur::smtpd {

/// Address verification (Postfix's ADDRESS_VERIFICATION_README), as far as it is smtpd's.
struct VerifySettings : conf::Section {
    template <class T>
    using Param = conf::Param<T>;

    explicit VerifySettings(Section& outer) : Section(outer) {}
    Param<int> poll_count{params, "address_verify_poll_count", 3, conf::Range<int>{1, 1000},
                          "How many times $address_verify_poll_delay a client waits for a probe."};
    Param<conf::Seconds> poll_delay{params, "address_verify_poll_delay", conf::Seconds(3),
                                    conf::at_least(conf::Seconds(1)),
                                    "See address_verify_poll_count; an answer that is there is "
                                    "not waited for."};
    Param<int> sender_code{params, "unverified_sender_reject_code", 450, conf::Range<int>{400, 599},
                           "The reply code for reject_unverified_sender."};
    Param<int> sender_defer_code{params, "unverified_sender_defer_code", 450,
                                 conf::Range<int>{400, 499},
                                 "The same while it is not known whether the sender exists."};
    Param<std::string> sender_reason{params, "unverified_sender_reject_reason", "",
                                     "What the client hears in place of what the probe heard."};
    Param<Tempfail> sender_tempfail{
        params, "unverified_sender_tempfail_action", Tempfail::inherited, kTempfails,
        "What happens while it is not known whether the sender exists."};
    Param<int> recipient_code{params, "unverified_recipient_reject_code", 450,
                              conf::Range<int>{400, 599},
                              "The reply code for reject_unverified_recipient."};
    Param<int> recipient_defer_code{params, "unverified_recipient_defer_code", 450,
                                    conf::Range<int>{400, 499},
                                    "The same while it is not known whether the recipient exists."};
    Param<std::string> recipient_reason{params, "unverified_recipient_reject_reason", "",
                                        "What the client hears in place of what the probe heard."};
    Param<Tempfail> recipient_tempfail{
        params, "unverified_recipient_tempfail_action", Tempfail::inherited, kTempfails,
        "What happens while it is not known whether the recipient exists."};
};

}  // namespace facteur::smtpd
