#include "lib/smtp/command.h"

#include "lib/base/text.h"

namespace facteur::smtp {

Command split_command(std::string_view line) {
    line = trim(line);
    Command command;
    command.verb = take_word(line);
    command.arguments = line;
    return command;
}

bool take_keyword(std::string_view& arguments, std::string_view keyword, bool strict) {
    const std::string_view name = keyword.substr(0, keyword.size() - 1);
    if (!istarts_with(arguments, name)) return false;
    std::string_view rest = arguments.substr(name.size());
    if (!strict) {
        while (!rest.empty() && rest.front() == ' ')
            rest.remove_prefix(1);
    }
    if (rest.empty() || rest.front() != ':') return false;
    rest.remove_prefix(1);
    arguments = rest;
    return true;
}

std::optional<Chunk> parse_chunk(std::string_view arguments) {
    Chunk chunk;
    const auto size = parse_number(take_word(arguments));
    if (!size) return std::nullopt;
    chunk.size = *size;
    chunk.last = iequals(arguments, "LAST");
    if (!chunk.last && !arguments.empty()) return std::nullopt;
    return chunk;
}

}  // namespace facteur::smtp
