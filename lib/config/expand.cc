#include "lib/config/expand.h"

#include <vector>

#include "lib/base/text.h"

namespace facteur::conf {
namespace {

bool is_name_char(char c) {
    return is_alpha(c) || is_digit(c) || c == '_';
}

/// Length of the `{…}` or `(…)` group at the start of text, nested groups of that kind included;
/// 0 when it is not closed.
std::size_t group_length(std::string_view text) {
    const char open = text.front();
    const char close = open == '{' ? '}' : ')';
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == open) ++depth;
        if (text[i] == close && --depth == 0) return i + 1;
    }
    return 0;
}

int compare_numbers(std::string_view a, std::string_view b) {
    auto left = parse_number(a);
    auto right = parse_number(b);
    return *left < *right ? -1 : *left > *right;
}

/// "3.6" against "2": number by number, a missing one counts as 0 (postconf(5),
/// compatibility_level).
int compare_levels(std::string_view a, std::string_view b) {
    auto left = split(a, '.');
    auto right = split(b, '.');
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
        const auto l = i < left.size() ? parse_number(trim(left[i])).value_or(0) : 0;
        const auto r = i < right.size() ? parse_number(trim(right[i])).value_or(0) : 0;
        if (l != r) return l < r ? -1 : 1;
    }
    return 0;
}

class Expander {
public:
    Expander(const Lookup& lookup, int max_depth) : lookup_(lookup), max_depth_(max_depth) {}

    Result<std::string> expand(std::string_view text, int depth);

private:
    Result<std::string> value_of(std::string_view name, int depth);
    Result<std::string> group(std::string_view inside, int depth);
    Result<std::string> choose(bool first, std::string_view rest, int depth);
    Result<bool> relation(std::string_view& inside, int depth);

    const Lookup& lookup_;
    int max_depth_;
    std::size_t produced_ = 0;
};

/// No sensible value of main.cf is longer; doubling `$a$a` would fill the memory otherwise.
constexpr std::size_t kMaxResult = 1 << 20;

Result<std::string> Expander::expand(std::string_view text, int depth) {
    if (depth > max_depth_) {
        return permanent("\"" + printable(text, 60) +
                         "\" is nested too deeply: a parameter's value" + " refers to itself");
    }
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] != '$' || i + 1 == text.size()) {
            out += text[i++];
            continue;
        }
        const char next = text[i + 1];
        if (next == '$') {
            out += '$';
            i += 2;
        } else if (next == '{' || next == '(') {
            const std::size_t length = group_length(text.substr(i + 1));
            if (length == 0)
                return permanent("\"" + printable(text.substr(i), 60) + "\" is not closed");
            TRY(auto value, group(text.substr(i + 2, length - 2), depth));
            out += value;
            i += 1 + length;
        } else if (is_name_char(next)) {
            std::size_t end = i + 1;
            while (end < text.size() && is_name_char(text[end]))
                ++end;
            TRY(auto value, value_of(text.substr(i + 1, end - i - 1), depth));
            out += value;
            i = end;
        } else {
            out += text[i++];
        }
        if (out.size() > kMaxResult) return permanent("the expanded value is too long");
    }
    produced_ += out.size();
    if (produced_ > 4 * kMaxResult) return permanent("the expanded value is too long");
    return out;
}

Result<std::string> Expander::value_of(std::string_view name, int depth) {
    auto raw = lookup_(name);
    if (!raw) return std::string();
    return expand(*raw, depth + 1);
}

// What stands inside ${…}: name, name?text, name:text, name?{a}:{b} or {a} == {b} ? {c} : {d}.
Result<std::string> Expander::group(std::string_view inside, int depth) {
    if (depth > max_depth_) return permanent("${…} is nested too deeply");
    inside = trim(inside);
    if (inside.starts_with('{')) {
        TRY(bool holds, relation(inside, depth));
        if (!inside.starts_with('?') && !inside.starts_with(':'))
            return permanent("a comparison must be followed by ? or :");
        return choose(holds, inside, depth);
    }
    std::size_t end = 0;
    while (end < inside.size() && is_name_char(inside[end]))
        ++end;
    const std::string_view name = inside.substr(0, end);
    inside = trim(inside.substr(end));
    if (name.empty()) return permanent("a parameter name is missing in ${…}");
    TRY(auto value, value_of(name, depth));
    if (inside.empty()) return value;
    if (!inside.starts_with('?') && !inside.starts_with(':')) {
        return permanent("\"" + printable(inside, 60) + "\" after the name " + std::string(name) +
                         ": only ? and : may follow it");
    }
    return choose(!value.empty(), inside, depth);
}

// rest is ?text, :text, ?{a} or ?{a}:{b}.
Result<std::string> Expander::choose(bool first, std::string_view rest, int depth) {
    const bool wanted = rest.front() == '?';
    rest = trim(rest.substr(1));
    if (!rest.starts_with('{')) {
        if (first != wanted) return std::string();
        return expand(rest, depth + 1);
    }
    const std::size_t length = group_length(rest);
    if (length == 0) return permanent("\"" + printable(rest, 60) + "\" is not closed");
    const std::string_view yes = trim(rest.substr(1, length - 2));
    rest = trim(rest.substr(length));
    if (first == wanted && rest.empty()) return expand(yes, depth + 1);
    if (rest.empty()) return std::string();
    if (!wanted || !rest.starts_with(':')) {
        return permanent("\"" + printable(rest, 60) + "\" must be :{text} or nothing");
    }
    rest = trim(rest.substr(1));
    if (!rest.starts_with('{') || group_length(rest) != rest.size())
        return permanent("\"" + printable(rest, 60) + "\" must be {text}");
    const std::string_view no = trim(rest.substr(1, rest.size() - 2));
    return expand(first ? yes : no, depth + 1);
}

// Takes `{a} operator {b}` off the front.
Result<bool> Expander::relation(std::string_view& inside, int depth) {
    static constexpr std::string_view kOperators[] = {
        "==level", "!=level", "<=level", ">=level", "<level", ">level",
        "==",      "!=",      "<=",      ">=",      "<",      ">"};
    std::size_t length = group_length(inside);
    if (length == 0) return permanent("\"" + printable(inside, 60) + "\" is not closed");
    TRY(std::string left, expand(trim(inside.substr(1, length - 2)), depth + 1));
    inside = trim(inside.substr(length));
    std::string_view op;
    for (std::string_view candidate : kOperators) {
        if (op.empty() && inside.starts_with(candidate)) op = candidate;
    }
    if (op.empty()) return permanent("\"" + printable(inside, 60) + "\" must be a comparison");
    inside = trim(inside.substr(op.size()));
    if (!inside.starts_with('{') || (length = group_length(inside)) == 0)
        return permanent("\"" + printable(inside, 60) + "\" must be {text}");
    TRY(std::string right, expand(trim(inside.substr(1, length - 2)), depth + 1));
    inside = trim(inside.substr(length));

    int order = 0;
    if (op.ends_with("level")) {
        order = compare_levels(left, right);
    } else if (parse_number(left) && parse_number(right)) {
        order = compare_numbers(left, right);
    } else {
        order = left.compare(right);
    }
    if (op.starts_with("==")) return order == 0;
    if (op.starts_with("!=")) return order != 0;
    if (op.starts_with("<=")) return order <= 0;
    if (op.starts_with(">=")) return order >= 0;
    return op.starts_with('<') ? order < 0 : order > 0;
}

}  // namespace

Result<std::string> expand(std::string_view text, const Lookup& lookup, int max_depth) {
    return Expander(lookup, max_depth).expand(text, 0);
}

void each_name(std::string_view text, const std::function<void(std::string_view)>& found) {
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        if (text[i] != '$') continue;
        std::size_t start = i + 1;
        if (text[start] == '$') {
            ++i;
            continue;
        }
        if (text[start] == '{' || text[start] == '(') ++start;
        while (start < text.size() && is_space(text[start]))
            ++start;
        std::size_t end = start;
        while (end < text.size() && is_name_char(text[end]))
            ++end;
        if (end > start) found(text.substr(start, end - start));
    }
}

}  // namespace facteur::conf
