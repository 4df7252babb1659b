#pragma once

#include "lib/config/param.h"

namespace facteur::conf {

/// What both who expands aliases(5) and who reads ~/.forward must know.
struct AliasSettings : Section {
    explicit AliasSettings(Section& outer) : Section(outer) {}

    Param<List> allow_mail_to_commands{
        params, "allow_mail_to_commands", "alias, forward",
        "Where \"|command\" may stand: alias, forward, include (files that aliases name)."};
    Param<List> allow_mail_to_files{
        params, "allow_mail_to_files", "alias, forward",
        "Where \"/file/name\" may stand: alias, forward, include (files that aliases name)."};
    Param<List> propagate_unmatched_extensions{
        params, "propagate_unmatched_extensions", "canonical, virtual",
        "Where the results of a lookup without the address extension get it back: canonical, "
        "virtual, alias, forward, include, generic."};
    Param<bool> owner_request_special{
        params, "owner_request_special", true,
        "Whether owner-NAME receives the errors of mail to the alias NAME, and owner- and -request "
        "names are never split where $recipient_delimiter holds a minus."};
};

}  // namespace facteur::conf
