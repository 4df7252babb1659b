#pragma once

#include <map>
#include <string>
#include <string_view>

namespace facteur::lmtp_local {

/// What "$name" in forward_path and command_execution_directory stands for.
using Macros = std::map<std::string, std::string, std::less<>>;

/// $name, ${name}, ${name?text}, ${name:text} ({text} may stand in braces of its own), as local(8)
/// expands them.  In the values, characters that are not in `allowed` become an underscore.
std::string expand_macros(std::string_view text, const Macros& macros, std::string_view allowed);

/// The text with an underscore for each character that is not in `allowed`.
std::string filtered(std::string_view text, std::string_view allowed);

}  // namespace facteur::lmtp_local
