#pragma once

#include <string>
#include <string_view>

#include "lib/mime/part.h"

namespace facteur::mime {

/// RFC 8970: the start of the message's text for people, at most `limit` characters of UTF-8.
/// `message` is what `root` was made from.
std::string preview(std::string_view message, const Part& root, std::size_t limit = 200);

}  // namespace facteur::mime
