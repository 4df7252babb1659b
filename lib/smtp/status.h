#pragma once

#include <string>
#include <string_view>

namespace facteur::smtp {

/// RFC 3463 section 2 "status-code": "2.1.5"; class 2, 4 or 5, up to three digits a part.
bool is_status(std::string_view text);

/// Takes "5.1.1 " off the front of a reply's text when it agrees with the reply code
/// (RFC 2034 section 4); otherwise gives "" and leaves the text alone.
std::string_view take_status(std::string_view& text, int code);

/// What to record for a peer that sent no enhanced code: "2.0.0", "4.0.0", "5.0.0".
std::string_view generic_status(int code);

}  // namespace facteur::smtp
