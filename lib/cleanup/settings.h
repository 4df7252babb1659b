#pragma once

#include <string>

#include "lib/checks/settings.h"
#include "lib/config/common.h"
#include "lib/milter/spec.h"

namespace facteur::cleanup {

/// What is done to new mail whatever way it came.
struct Settings : conf::Section {
    explicit Settings(Section& outer) : Section(outer) {}
    conf::Param<std::string> undisclosed{
        params, "undisclosed_recipients_header", "",
        "The field that a message without To: and Cc: gets where missing fields are added."};
    conf::Param<int> header_address_limit{
        params, "header_address_token_limit", 10240, conf::Range<int>{1, 10000000},
        "How many addresses of one message's header are rewritten; the rest stays as it came."};
    checks::Settings checks{*this};
    milter::Settings milter{*this};
};

}  // namespace facteur::cleanup
