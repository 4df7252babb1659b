#pragma once

#include <string>
#include <string_view>

#include "lib/mime/part.h"

namespace facteur::imapd {

/// RFC 5255 section 4.3: the one comparator of this server, i;unicode-casemap.
std::string fold(std::string_view utf8);

/// Some text part of the message, decoded to UTF-8, contains the folded text; with `with_headers`
/// any header will do too.  Attachments that are not text are not searched.
bool contains_text(std::string_view message, const mime::Part& structure, std::string_view folded,
                   bool with_headers);

}  // namespace facteur::imapd
