#pragma once

#include <string>
#include <string_view>

namespace facteur::mime {

/// RFC 5051 section 2, i;unicode-casemap: texts that it takes for equal become the same, and what
/// is smaller stays smaller.  Titlecase of each character, its compatibility decomposition, UTF-8.
/// Bytes that are not UTF-8 stay.
std::string casemap(std::string_view utf8);

}  // namespace facteur::mime
