#include "lib/config/main_cf.h"

#include "lib/base/text.h"

namespace facteur::conf {

std::string Problem::where_and_what() const {
    if (line == 0) return file.empty() ? text : file + ": " + text;
    return file + ", line " + std::to_string(line) + ": " + text;
}

std::vector<LogicalLine> logical_lines(std::string_view text) {
    std::vector<LogicalLine> lines;
    int number = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++number;
        const std::string_view content = trim(line);
        // A comment or an empty line does not end the logical line that it stands in.
        if (content.empty() || content.front() == '#') continue;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (is_space(line.front()) && !lines.empty()) {
            lines.back().text += line;
            lines.back().last_line = number;
        } else {
            lines.push_back(LogicalLine{std::string(line), number, number});
        }
    }
    return lines;
}

MainCf MainCf::parse(std::string_view text, std::string file) {
    MainCf parsed;
    parsed.file_ = std::move(file);
    for (const LogicalLine& line : logical_lines(text))
        parsed.take(line.text, line.line);
    return parsed;
}

void MainCf::take(std::string_view logical_line, int line) {
    auto complain = [&](Problem::Level level, std::string what) {
        problems_.push_back(Problem{level, file_, line, std::move(what)});
    };
    if (is_space(logical_line.front())) {
        return complain(Problem::Level::error,
                        "a line that begins with a space continues the line before it, and there "
                        "is none: remove the space");
    }
    const auto equals = logical_line.find('=');
    const std::string_view name = trim(logical_line.substr(0, equals));
    if (name.empty())
        return complain(Problem::Level::error, "the parameter name before = is missing");
    if (equals == std::string_view::npos || name.find_first_of(" \t") != std::string_view::npos) {
        return complain(Problem::Level::error, "missing '=' after the parameter name: \"" +
                                                   printable(logical_line, 60) +
                                                   "\"; write name = value");
    }
    const std::string_view value = trim(logical_line.substr(equals + 1));
    auto [place, is_new] = settings_.try_emplace(std::string(name));
    if (!is_new) {
        complain(Problem::Level::warning, std::string(name) + " is set in line " +
                                              std::to_string(place->second.line) +
                                              " already; this later setting wins");
    }
    place->second = Setting{std::string(value), line, file_};
}

void MainCf::override_with(std::string_view name, std::string_view value, std::string_view from) {
    settings_.insert_or_assign(std::string(name),
                               Setting{std::string(value), 0, std::string(from)});
}

const Setting* MainCf::find(std::string_view name) const {
    const auto found = settings_.find(name);
    return found == settings_.end() ? nullptr : &found->second;
}

}  // namespace facteur::conf
