#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace facteur::smtp {

/// RFC 5321 section 4.5.3.1.4 says 512; AUTH (RFC 4954 section 4, 12288) and the DSN parameters
/// want more.
constexpr std::size_t kMaxCommandLine = 2048;
constexpr std::size_t kMaxAuthLine = 12288;

/// A command line in two: "MAIL" and "FROM:<a@b>".  Both point into the line.
struct Command {
    std::string_view verb;
    std::string_view arguments;  ///< without the spaces around it
};
Command split_command(std::string_view line);

/// "FROM:" or "TO:" off the front of the arguments, in any case, spaces around the colon allowed
/// unless strict; false when it is not there.
bool take_keyword(std::string_view& arguments, std::string_view keyword, bool strict = false);

/// "86 LAST" (RFC 3030 section 2).
struct Chunk {
    std::uint64_t size = 0;
    bool last = false;
};
std::optional<Chunk> parse_chunk(std::string_view arguments);

}  // namespace facteur::smtp
