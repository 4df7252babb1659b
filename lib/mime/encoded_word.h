#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mime/part.h"

namespace facteur::mime {

/// RFC 2047: all encoded words of a field's value in UTF-8, for people and for SEARCH.  What
/// cannot be decoded stays as it is; raw 8-bit text is taken as UTF-8, else as Latin-1.
std::string decode_words(std::string_view value);

/// Text of any charset in UTF-8; nothing when the charset is unknown.  Bytes that do not belong
/// to the charset become U+FFFD.
std::optional<std::string> to_utf8(std::string_view text, std::string_view charset);

/// A parameter's value in UTF-8: RFC 2231 charsets and continuations, and the RFC 2047 words that
/// many programs put there instead.
std::optional<std::string> parameter(const std::vector<Parameter>& parameters,
                                     std::string_view name);

/// Content-Transfer-Encoding undone: base64 and quoted-printable tolerantly (RFC 2045 section
/// 6); anything else comes back as it is.
std::string decode_transfer(std::string_view body, std::string_view encoding);

}  // namespace facteur::mime
