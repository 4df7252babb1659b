#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace facteur::addressd {

/// The members of a list as tables and alias files write it: separated by commas or spaces that
/// stand outside quotes and angle brackets; comments in parentheses are dropped.  Quotes around a
/// whole member are removed ("|command with spaces"), those inside stay.
std::vector<std::string> parse_address_list(std::string_view text);

}  // namespace facteur::addressd
