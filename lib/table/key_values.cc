#include "lib/table/key_values.h"

#include "lib/base/text.h"
#include "lib/config/param.h"

namespace facteur::table {
namespace {

/// Takes a `"quoted \"key\""` off the front; nothing when the quotes are not closed.
std::optional<std::string> take_quoted(std::string_view& text) {
    std::string out;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return out;
        }
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        out += text[i];
    }
    return std::nullopt;
}

class Parser {
public:
    Parser(std::string_view text, const std::string& file) : file_(file) {
        lines_ = conf::logical_lines(text);
    }

    Source map() {
        for (const auto& line : lines_)
            map_line(line);
        return std::move(source_);
    }
    Source aliases() {
        for (const auto& line : lines_)
            alias_line(line);
        return std::move(source_);
    }

private:
    void complain(const conf::LogicalLine& line, std::string what) {
        source_.problems.push_back(
            conf::Problem{conf::Problem::Level::warning, file_, line.line, std::move(what)});
    }
    bool begins_well(const conf::LogicalLine& line) {
        if (!is_space(line.text.front())) return true;
        complain(line,
                 "a line that begins with a space continues the one before it; there is none");
        return false;
    }
    void map_line(const conf::LogicalLine& line);
    void alias_line(const conf::LogicalLine& line);

    const std::string& file_;
    std::vector<conf::LogicalLine> lines_;
    Source source_;
};

void Parser::map_line(const conf::LogicalLine& line) {
    if (!begins_well(line)) return;
    std::string_view text = trim(line.text);
    std::string key;
    if (text.front() == '"') {
        auto quoted = take_quoted(text);
        if (!quoted || (!text.empty() && !is_space(text.front())))
            return complain(line, "the quotes of the key are not closed");
        key = *std::move(quoted);
    } else {
        key = take_word(text);
    }
    const std::string_view value = trim(text);
    if (key.empty() || value.empty())
        return complain(line, "expected format: key whitespace value; the line is left out");
    if (key.ends_with(':')) {
        complain(line, "\"" + printable(key, 60) +
                           "\" looks like an alias file (key: value); the "
                           "colon belongs to the key here");
    }
    source_.entries.push_back(Entry{std::move(key), std::string(value), line.line});
}

/// Position of the colon after the name, outside quotes; npos when there is none.
std::size_t find_colon(std::string_view text) {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (text[i] == ':' && !quoted) {
            return i;
        }
    }
    return std::string_view::npos;
}

/// Spaces outside quotes become single, commas ", ".
std::string tidy_values(std::string_view text) {
    std::string out;
    bool quoted = false;
    bool space = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (!quoted && is_space(c)) {
            space = true;
            continue;
        }
        if (!quoted && c == ',') {
            out += ',';
            space = true;
            continue;
        }
        if (space && !out.empty()) out += ' ';
        space = false;
        out += c;
        if (c == '\\' && i + 1 < text.size()) {
            out += text[++i];
        } else if (c == '"') {
            quoted = !quoted;
        }
    }
    while (out.ends_with(',') || out.ends_with(' '))
        out.pop_back();
    return out;
}

void Parser::alias_line(const conf::LogicalLine& line) {
    if (!begins_well(line)) return;
    const std::string_view text = trim(line.text);
    const auto colon = find_colon(text);
    if (colon == std::string_view::npos)
        return complain(line, "expected format: name: value, value; the line is left out");
    std::string_view name = trim(text.substr(0, colon));
    std::string key(name);
    if (name.starts_with('"')) {
        auto quoted = take_quoted(name);
        if (!quoted) return complain(line, "the quotes of the name are not closed");
        key = *std::move(quoted) + std::string(trim(name));
    }
    std::string value = tidy_values(text.substr(colon + 1));
    if (key.empty() || value.empty())
        return complain(line, "expected format: name: value, value; the line is left out");
    source_.entries.push_back(Entry{std::move(key), std::move(value), line.line});
}

}  // namespace

Source parse_map(std::string_view text, const std::string& file) {
    return Parser(text, file).map();
}

Source parse_aliases(std::string_view text, const std::string& file) {
    return Parser(text, file).aliases();
}

Result<std::vector<Entry>> parse_inline(std::string_view text) {
    text = trim(text);
    if (!text.starts_with('{') || !text.ends_with('}') || text.size() < 2)
        return permanent("write inline:{ key = value, { key = text with spaces } }");
    std::vector<Entry> entries;
    for (const std::string& word : conf::parse_list(text.substr(1, text.size() - 2))) {
        std::string_view pair = word;
        if (pair.starts_with('{') && pair.ends_with('}'))
            pair = trim(pair.substr(1, pair.size() - 2));
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || trim(pair.substr(0, equals)).empty()) {
            return permanent("\"" + printable(pair, 60) +
                             "\" in an inline table is not key = value; put { } around an entry "
                             "that has spaces or commas");
        }
        entries.push_back(Entry{std::string(trim(pair.substr(0, equals))),
                                std::string(trim(pair.substr(equals + 1))), 0});
    }
    if (entries.empty()) return permanent("an inline table needs at least one key = value");
    return entries;
}

}  // namespace facteur::table
