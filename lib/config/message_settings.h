#pragma once

#include "lib/config/param.h"

namespace facteur::conf {

/// What both who takes mail and who queues it must know.
struct MessageSettings : Section {
    explicit MessageSettings(Section& outer) : Section(outer) {}

    Param<int> hopcount_limit{
        params, "hopcount_limit", 50, Range<int>{1, 100000},
        "With more Received: fields a message is refused or returned: it runs in a circle (RFC "
        "5321 section 6.3)."};
    Param<std::string> content_filter{
        params, "content_filter", "",
        "transport:nexthop by which new mail goes to a content filter, which brings it back to a "
        "service that has -o content_filter= (smtpd, and sendmail's mail)."};
    Param<Size> journal_message_limit{
        params, "queue_journal_message_limit", 1000000,
        "Content up to this size is kept in memory and in the journal; what is larger is received "
        "into a file of its own."};
};

/// Which addresses are none, although RFC 5321 has them.
struct AddressSettings : Section {
    explicit AddressSettings(Section& outer) : Section(outer) {}

    Param<bool> allow_min_user{
        params, "allow_min_user", false,
        "Whether addresses may begin with a minus, which programs could take for an option."};
};

}  // namespace facteur::conf
