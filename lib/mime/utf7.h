#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace facteur::mime {

/// Mailbox names in RFC 3501 section 5.1.3's modified UTF-7.  Nothing when it is not valid UTF-8.
std::optional<std::string> utf8_to_utf7(std::string_view utf8);
/// The other way; nothing when it is not valid modified UTF-7.
std::optional<std::string> utf7_to_utf8(std::string_view utf7);

/// Strict RFC 3629: no overlong forms, no surrogates.
bool is_utf8(std::string_view text);

}  // namespace facteur::mime
