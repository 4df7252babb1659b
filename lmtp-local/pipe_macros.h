#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace facteur::lmtp_local {

/// The first name in it that pipe(8) does not know.
std::optional<std::string> unknown_pipe_macro(std::string_view word);

}  // namespace facteur::lmtp_local
