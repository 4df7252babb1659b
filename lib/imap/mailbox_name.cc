#include "lib/imap/mailbox_name.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

// Greedy matching with one point to fall back to: linear in practice, quadratic at worst, never
// exponential whatever a client writes.  `prefix`: it is enough to match up to the end of name.
bool match(std::string_view pattern, std::string_view name, char separator) {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star = std::string_view::npos;  // the last "*" and where it began to match
    std::size_t star_at = 0;
    std::size_t percent = std::string_view::npos;  // the last "%" behind that "*"
    std::size_t percent_at = 0;
    while (n < name.size() || p < pattern.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_at = n;
            percent = std::string_view::npos;
        } else if (p < pattern.size() && pattern[p] == '%') {
            percent = p++;
            percent_at = n;
        } else if (p < pattern.size() && n < name.size() && pattern[p] == name[n]) {
            ++p;
            ++n;
        } else if (percent != std::string_view::npos && percent_at < name.size() &&
                   name[percent_at] != separator) {
            n = ++percent_at;
            p = percent + 1;
        } else if (star != std::string_view::npos && star_at < name.size()) {
            n = ++star_at;
            p = star + 1;
            percent = std::string_view::npos;
        } else {
            return false;
        }
    }
    return true;
}

std::string fold_inbox(std::string_view text, char separator) {
    bool is_inbox = istarts_with(text, "INBOX") &&
                    (text.size() == 5 || text[5] == separator || text[5] == '*' || text[5] == '%');
    return is_inbox ? "INBOX" + std::string(text.substr(5)) : std::string(text);
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name, char separator) {
    std::string folded_pattern = fold_inbox(pattern, separator);
    std::string folded_name = fold_inbox(name, separator);
    if (match(folded_pattern, folded_name, separator)) return true;
    // "inb%" must find INBOX too (RFC 3501 section 5.1).
    return folded_name == "INBOX" && match(to_upper(pattern), "INBOX", separator);
}

bool could_match_below(std::string_view pattern, std::string_view name, char separator) {
    std::string below = std::string(name) + separator;
    // Something below matches when a beginning of the pattern matches "name/" and more may follow.
    for (std::size_t end = 0; end <= pattern.size(); ++end) {
        std::string_view head = pattern.substr(0, end);
        if (!matches(head, below, separator)) continue;
        if (end < pattern.size() || head.ends_with('*')) return true;
    }
    return false;
}

}  // namespace facteur::imap
