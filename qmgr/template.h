#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::qmgr {

/// The words of one kind of notification, in the format of Postfix's bounce(5).
struct Template {
    std::string charset = "us-ascii";
    std::string from = "MAILER-DAEMON (Mail Delivery System)";
    std::string subject;
    std::string postmaster_subject;
    std::string text;  ///< lines that end in LF; `$name` is expanded by whoever loads it
};

struct Templates {
    Templates();  ///< what is used without bounce_template_file
    Template failure, delay, success, verify;
};

/// The text of bounce_template_file: `NAME_template = <<EOF`, header lines, an empty line, the
/// text, `EOF`.  What it does not have keeps the words that `templates` has.
Result<void> parse_templates(std::string_view file, Templates& templates);

}  // namespace facteur::qmgr
