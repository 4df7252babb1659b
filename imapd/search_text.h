#pragma once

#include "lib/mime/casemap.h"
#include "lib/mime/searched_text.h"

namespace facteur::imapd {

using mime::contains_text;

/// RFC 5255 section 4.3: the one comparator of this server, i;unicode-casemap.
inline std::string fold(std::string_view utf8) {
    return mime::casemap(utf8);
}

}  // namespace facteur::imapd
