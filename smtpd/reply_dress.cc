#include "smtpd/reply_dress.h"

#include "lib/base/text.h"
#include "lib/config/expand.h"

namespace facteur::smtpd {

namespace {

/// One character off the front of C-like escapes: \t, \n, \\, \ooo.
char take_character(std::string_view& text) {
    const char first = text.front();
    text.remove_prefix(1);
    if (first != '\\' || text.empty()) return first;
    int octal = 0;
    std::size_t digits = 0;
    while (digits < 3 && digits < text.size() && text[digits] >= '0' && text[digits] <= '7')
        octal = octal * 8 + (text[digits++] - '0');
    if (digits > 0) {
        text.remove_prefix(digits);
        return static_cast<char>(octal);
    }
    const char escaped = text.front();
    text.remove_prefix(1);
    static constexpr std::string_view kFrom = "abfnrtv";
    static constexpr std::string_view kTo = "\a\b\f\n\r\t\v";
    const std::size_t at = kFrom.find(escaped);
    return at == std::string_view::npos ? escaped : kTo[at];
}

}  // namespace

CharacterFilter::CharacterFilter(std::string_view escaped) {
    while (!escaped.empty())
        allowed_[static_cast<unsigned char>(take_character(escaped))] = true;
}

std::string CharacterFilter::operator()(std::string_view text) const {
    std::string out(text);
    for (char& c : out) {
        if (!allowed_[static_cast<unsigned char>(c)]) c = '_';
    }
    return out;
}

Result<void> add_footer(smtp::Reply& reply, const std::string& footer,
                        const std::function<std::optional<std::string>(std::string_view)>& value) {
    std::string_view pattern(footer);
    const bool same_line = pattern.starts_with("\\c");
    if (same_line) pattern.remove_prefix(2);
    const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
        auto found = value(name);
        if (!found) return std::nullopt;
        // One level only: a "$" that a stranger sent stays one.
        return replace_all(printable(*found, 256), "$", "$$");
    };
    // Only the template itself breaks lines.
    const std::string lines = replace_all(std::string(pattern), "\\n", "\n");
    TRY(const std::string text, conf::expand(lines, lookup));
    if (!same_line) reply.text += '\n';
    reply.text += text;
    return {};
}

void make_temporary(smtp::Reply& reply) {
    if (!reply.is_permanent()) return;
    reply.code -= 100;
    if (reply.status.starts_with('5')) reply.status.front() = '4';
}

}  // namespace facteur::smtpd
