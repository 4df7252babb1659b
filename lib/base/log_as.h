#pragma once

#include <string_view>

namespace facteur {

/// log_info() in the name of another program: "facteur/postscreen[123]: text".  Log readers look
/// for some lines under the name that Postfix gives their writer.
void log_as(std::string_view program, std::string_view text);

}  // namespace facteur
