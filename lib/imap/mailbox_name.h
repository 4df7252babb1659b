#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace facteur::imap {

/// Modified UTF-7 (RFC 3501 section 5.1.3) from and to UTF-8.  Decoding is strict: nothing for
/// what is not the one right encoding of its text, since two spellings of one name are two names.
std::string utf7_encode(std::string_view utf8);
std::optional<std::string> utf7_decode(std::string_view utf7);

/// RFC 3501 section 6.3.8: "*" matches anything, "%" anything but the hierarchy separator;
/// "INBOX" without regard to case.
bool matches(std::string_view pattern, std::string_view name, char separator);
/// The pattern matches some name below `name` (for LSUB "%" and for parents that do not exist).
bool could_match_below(std::string_view pattern, std::string_view name, char separator);

}  // namespace facteur::imap
