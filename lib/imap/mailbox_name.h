#pragma once

#include <string_view>

namespace facteur::imap {

/// RFC 3501 section 6.3.8: "*" matches anything, "%" anything but the hierarchy separator;
/// "INBOX" without regard to case.
bool matches(std::string_view pattern, std::string_view name, char separator);
/// The pattern matches some name below `name` (for LSUB "%" and for parents that do not exist).
bool could_match_below(std::string_view pattern, std::string_view name, char separator);

}  // namespace facteur::imap
