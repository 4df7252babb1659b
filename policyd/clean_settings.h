#pragma once

#include "lib/cleanup/settings.h"

namespace facteur::policyd {

/// What is done to mail that did not come over SMTP before it is queued.
struct CleanSettings : cleanup::Settings {
    using cleanup::Settings::Settings;
    conf::Param<conf::List> milters{
        params, "non_smtpd_milters", "",
        "Milters for mail that comes from sendmail(1), and for our own notices as far as "
        "$internal_mail_filter_classes says; as smtpd_milters."};
};

}  // namespace facteur::policyd
