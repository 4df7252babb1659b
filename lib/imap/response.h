#pragma once

#include <string>
#include <string_view>

#include "lib/base/time.h"

namespace facteur::imap {

/// RFC 3501 section 9 string: quoted when it can be, a literal otherwise (CR, LF, 8-bit, many
/// escapes).  NUL cannot be said at all and is left out.
void append_string(std::string& out, std::string_view text);
/// A string, or an atom where that is enough.
void append_astring(std::string& out, std::string_view text);
inline void append_nil(std::string& out) {
    out += "NIL";
}
/// "{310}" CRLF
void append_literal_mark(std::string& out, std::size_t size);
/// RFC 3501 section 9 date-time, quoted, in local time: "22-Nov-2026 12:00:00 +0100".
void append_date_time(std::string& out, WallTime when);

}  // namespace facteur::imap
