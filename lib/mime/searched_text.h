#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "lib/mime/part.h"

namespace facteur::mime {

/// Called with a piece of text, folded; true ends the walk.
using TextVisitor = std::function<bool(const std::string& folded)>;

/// What SEARCH BODY looks into (RFC 3501 section 6.4.4): each text part, decoded to UTF-8; before
/// them, with `headers`, what TEXT looks into as well: "Name: value" of each field, of the parts'
/// headers too.  Attachments that are not text are left out.  True when a visitor ended the walk.
bool each_text(std::string_view message, const Part& structure, const TextVisitor* headers,
               const TextVisitor& bodies);

/// Some of it contains the folded text.
bool contains_text(std::string_view message, const Part& structure, std::string_view folded,
                   bool with_headers);

}  // namespace facteur::mime
