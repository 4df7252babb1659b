#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::mime {

/// The same message in 7 bits, for a server without 8BITMIME (RFC 6152 section 3): bodies with
/// 8-bit bytes become quoted-printable, and their headers say so.  An Error (5.6.3) when 8-bit
/// bytes stand where no encoding reaches: in a header, between parts, in an encoded body.
Result<std::string> to_seven_bit(std::string_view message);

/// The header, saying that its body is encoded in that way, with the empty line; the root of a
/// message without MIME gets what it needs for that.
std::string with_encoding(std::string_view header, std::string_view encoding, bool is_root);

/// RFC 2045 section 6.7; CRLF stays the end of a line.
std::string quoted_printable(std::string_view body);

}  // namespace facteur::mime
