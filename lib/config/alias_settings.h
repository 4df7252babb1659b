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
};

}  // namespace facteur::conf
