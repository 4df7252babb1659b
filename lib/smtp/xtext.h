#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace facteur::smtp {

/// RFC 3461 section 4.
std::string xtext_encode(std::string_view text);
/// Nothing when it is not xtext.
std::optional<std::string> xtext_decode(std::string_view text);

}  // namespace facteur::smtp
