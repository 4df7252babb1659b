#include "lib/table/rules.h"

#include "lib/base/text.h"

namespace facteur::table {
namespace {

/// One step through a result text: literal characters or a group number.
struct Piece {
    std::string_view literal;
    int group = -1;
};

Result<Piece> take_piece(std::string_view& text) {
    if (text.front() != '$') {
        const auto dollar = text.find('$');
        Piece piece{text.substr(0, dollar), -1};
        text.remove_prefix(piece.literal.size());
        return piece;
    }
    if (text.starts_with("$$")) {
        text.remove_prefix(2);
        return Piece{"$", -1};
    }
    const std::string_view whole = text;
    text.remove_prefix(1);
    char close = 0;
    if (text.starts_with('{') || text.starts_with('(')) {
        close = text.front() == '{' ? '}' : ')';
        text.remove_prefix(1);
    }
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits]))
        ++digits;
    const auto number = parse_number(text.substr(0, digits));
    text.remove_prefix(digits);
    const bool closed = close == 0 || text.starts_with(close);
    if (!number || *number > 99 || !closed) {
        return permanent("\"" + printable(whole, 40) +
                         "\" in the result must be $ and a number, or $$ for a dollar sign");
    }
    if (close != 0) text.remove_prefix(1);
    return Piece{std::string_view(), static_cast<int>(*number)};
}

}  // namespace

Result<std::string> substitute(std::string_view text, const std::vector<std::string_view>& groups) {
    std::string out;
    while (!text.empty()) {
        TRY(Piece piece, take_piece(text));
        if (piece.group < 0) {
            out += piece.literal;
        } else if (static_cast<std::size_t>(piece.group) < groups.size()) {
            out += groups[static_cast<std::size_t>(piece.group)];
        }
    }
    return out;
}

Result<void> check_substitution(std::string_view text, int groups) {
    while (!text.empty()) {
        TRY(Piece piece, take_piece(text));
        if (piece.group > groups || piece.group == 0) {
            return permanent("the result names group " + std::to_string(piece.group) +
                             " and the pattern has " + std::to_string(groups));
        }
    }
    return {};
}

Result<Delimited> take_delimited(std::string_view& text) {
    if (text.empty() || is_alpha(text.front()) || is_digit(text.front()) || text.front() == '\\')
        return permanent("\"" + printable(text, 60) + "\" must be /pattern/ and a result");
    const char delimiter = text.front();
    std::size_t end = 1;
    while (end < text.size() && text[end] != delimiter)
        end += text[end] == '\\' ? 2 : 1;
    if (end >= text.size())
        return permanent("the closing " + std::string(1, delimiter) + " of the pattern is missing");
    Delimited found;
    found.pattern = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    std::size_t flags = 0;
    while (flags < text.size() && !is_space(text[flags]))
        ++flags;
    found.flags = text.substr(0, flags);
    text.remove_prefix(flags);
    return found;
}

/// Reads the lines of a table into rules.
class RuleTable::Reader {
public:
    Reader(const std::string& file, const PatternLanguage& language, std::vector<Rule>& rules,
           std::vector<conf::Problem>& problems)
        : file_(file), language_(language), rules_(rules), problems_(problems) {}

    void read(std::string_view text) {
        for (const auto& line : conf::logical_lines(text)) {
            auto done = take(line);
            if (!done) complain(line.line, done.error().text);
        }
        for (std::size_t open : open_) {
            complain(0, "an if has no endif");
            rules_[open].after_endif = rules_.size();
        }
    }

private:
    void complain(int line, std::string what) {
        problems_.push_back(
            conf::Problem{conf::Problem::Level::warning, file_, line, std::move(what)});
    }
    Result<void> take(const conf::LogicalLine& line);
    Result<Rule> rule(std::string_view& text);

    const std::string& file_;
    const PatternLanguage& language_;
    std::vector<Rule>& rules_;
    std::vector<conf::Problem>& problems_;
    std::vector<std::size_t> open_;  ///< ifs without their endif so far
};

Result<RuleTable::Rule> RuleTable::Reader::rule(std::string_view& text) {
    Rule made;
    while (text.starts_with('!')) {
        made.negated = !made.negated;
        text = trim(text.substr(1));
    }
    TRY(made.pattern, language_.take(text));
    return made;
}

Result<void> RuleTable::Reader::take(const conf::LogicalLine& line) {
    std::string_view text = trim(line.text);
    std::string_view rest = text;
    const std::string_view word = take_word(rest);
    if (iequals(word, "endif")) {
        if (open_.empty()) return permanent("endif without if");
        rules_[open_.back()].after_endif = rules_.size();
        open_.pop_back();
        if (!trim(rest).empty()) return permanent("text after endif is ignored");
        return {};
    }
    if (iequals(word, "if")) {
        // A wrong if must not let what it guards apply to everything.
        open_.push_back(rules_.size());
        rules_.emplace_back().kind = Rule::Kind::end;
        TRY(Rule made, rule(rest));
        made.kind = Rule::Kind::condition;
        rules_.back() = std::move(made);
        if (!trim(rest).empty()) return permanent("text after the pattern of if is ignored");
        return {};
    }
    TRY(Rule made, rule(text));
    made.result = trim(text);
    if (made.result.empty()) return permanent("the result after the pattern is missing");
    if (made.pattern->groups() >= 0) {
        // What did not match has no groups to speak of.
        const int groups = made.negated ? 0 : made.pattern->groups();
        TRY_VOID(check_substitution(made.result, groups));
    }
    rules_.push_back(std::move(made));
    return {};
}

RuleTable::RuleTable(std::string name, std::string_view text, const PatternLanguage& language,
                     std::vector<conf::Problem>& problems)
    : Dictionary(std::move(name)) {
    const std::string file = this->name().substr(this->name().find(':') + 1);
    Reader(file, language, rules_, problems).read(text);
}

Found RuleTable::find(std::string_view key) {
    for (std::size_t i = 0; i < rules_.size();) {
        const Rule& rule = rules_[i++];
        if (rule.kind == Rule::Kind::end) {
            i = rule.after_endif;
            continue;
        }
        auto match = rule.pattern->match(key);
        if (!match) return trouble(match.error().text);
        const bool holds = rule.pattern->concerns(key) && match->has_value() != rule.negated;
        if (rule.kind == Rule::Kind::condition) {
            if (!holds) i = rule.after_endif;
        } else if (holds) {
            if (rule.pattern->groups() < 0) return rule.result;
            return substitute(rule.result,
                              *match ? (*match)->groups : std::vector<std::string_view>());
        }
    }
    return std::nullopt;
}

}  // namespace facteur::table
