#include "lib/imap/mailbox_name.h"

#include <cstdint>
#include <vector>

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

// RFC 3501 section 5.1.3: base64 with "," for "/" and no padding.
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

// One code point off the front; U+FFFD for what is not UTF-8.
char32_t take_utf8(std::string_view& text) {
    auto lead = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    int more = lead >= 0xf0 && lead < 0xf5 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : 0;
    if (lead < 0x80) return lead;
    if (more == 0 || lead >= 0xf5) return 0xfffd;
    char32_t code = lead & (0x3f >> more);
    std::size_t length = static_cast<std::size_t>(more);
    if (text.size() < length) return 0xfffd;
    for (std::size_t i = 0; i < length; ++i) {
        auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80) return 0xfffd;
        code = code << 6 | (next & 0x3f);
    }
    bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
    if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0xfffd;
    text.remove_prefix(length);
    return code;
}

void put_utf8(std::string& out, char32_t code) {
    auto put = [&](char32_t octet) { out += static_cast<char>(octet); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
        put(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            put(0xe0 | code >> 12);
        } else {
            put(0xf0 | code >> 18);
            put(0x80 | (code >> 12 & 0x3f));
        }
        put(0x80 | (code >> 6 & 0x3f));
    }
    put(0x80 | (code & 0x3f));
}

bool is_direct(char32_t code) {
    return code >= 0x20 && code <= 0x7e;
}

void put_base64(std::string& out, const std::vector<std::uint16_t>& units) {
    std::uint32_t bits = 0;
    int count = 0;
    out += '&';
    for (std::uint16_t unit : units) {
        bits = bits << 16 | unit;
        count += 16;
        while (count >= 6) {
            count -= 6;
            out += kAlphabet[bits >> count & 0x3f];
        }
        bits &= (1u << count) - 1;
    }
    if (count > 0) out += kAlphabet[bits << (6 - count) & 0x3f];
    out += '-';
}

// The UTF-16 of one "&…-", as UTF-8.
bool decode_shifted(std::string_view base64, std::string& out) {
    std::uint32_t bits = 0;
    int count = 0;
    char32_t high = 0;
    for (char c : base64) {
        std::size_t value = kAlphabet.find(c);
        if (value == std::string_view::npos) return false;
        bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0x3fffff;
        count += 6;
        if (count < 16) continue;
        count -= 16;
        char32_t unit = bits >> count & 0xffff;
        bool is_high = unit >= 0xd800 && unit < 0xdc00;
        bool is_low = unit >= 0xdc00 && unit < 0xe000;
        if (is_low != (high != 0)) return false;
        if (is_high) {
            high = unit;
        } else {
            put_utf8(out, is_low ? 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00) : unit);
            high = 0;
        }
    }
    return high == 0;
}

}  // namespace

std::string utf7_encode(std::string_view utf8) {
    std::string out;
    std::vector<std::uint16_t> units;
    auto flush = [&] {
        if (!units.empty()) put_base64(out, units);
        units.clear();
    };
    while (!utf8.empty()) {
        char32_t code = take_utf8(utf8);
        if (is_direct(code)) {
            flush();
            out += static_cast<char>(code);
            if (code == '&') out += '-';
        } else if (code >= 0x10000) {
            units.push_back(static_cast<std::uint16_t>(0xd800 + ((code - 0x10000) >> 10)));
            units.push_back(static_cast<std::uint16_t>(0xdc00 + ((code - 0x10000) & 0x3ff)));
        } else {
            units.push_back(static_cast<std::uint16_t>(code));
        }
    }
    flush();
    return out;
}

std::optional<std::string> utf7_decode(std::string_view utf7) {
    std::string out;
    for (std::size_t i = 0; i < utf7.size(); ++i) {
        if (!is_direct(static_cast<unsigned char>(utf7[i]))) return {};
        if (utf7[i] != '&') {
            out += utf7[i];
            continue;
        }
        std::size_t end = utf7.find('-', i);
        if (end == std::string_view::npos) return {};
        std::string_view shifted = utf7.substr(i + 1, end - i - 1);
        if (shifted.empty()) {
            out += '&';
        } else if (!decode_shifted(shifted, out)) {
            return {};
        }
        i = end;
    }
    if (utf7_encode(out) != utf7) return {};
    return out;
}

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
