#pragma once

#include <string>
#include <string_view>

namespace facteur::spool {

/// The text form of everything in the spool: one fact a line, "key value", read by people.
/// A value may hold any bytes: control characters and backslashes are written as \xHH.
void put_line(std::string& out, std::string_view key, std::string_view value);

struct TextLine {
    std::string_view key;
    std::string value;
};
/// Takes one line off the front; false at the end, or when the last line has no end.
bool take_line(std::string_view& in, TextLine& line);

std::string escape(std::string_view value);
std::string unescape(std::string_view text);

}  // namespace facteur::spool
