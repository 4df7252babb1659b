#include "lib/table/answers.h"

#include "lib/base/text.h"

namespace facteur::table {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    const char folded = lower(c);
    return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

Error wrong(std::string_view what, std::string_view reply) {
    return Error{Error::Kind::temporary, "4.3.0",
                 std::string(what) + ": \"" + printable(reply, 80) + "\""};
}

}  // namespace

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > ' ' && byte < 0x7f && c != '%') {
            out += c;
            continue;
        }
        out += '%';
        out += kHexDigits[byte >> 4];
        out += kHexDigits[byte & 15];
    }
    return out;
}

Result<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) return std::unexpected(wrong("% without two digits", text));
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

Found parse_tcp_reply(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view code = line.substr(0, 3);
    const bool has_text = line.size() > 3 && is_space(line[3]);
    if (code == "500" && (has_text || line.size() == 3)) return std::nullopt;
    if (code == "400" && (has_text || line.size() == 3)) {
        return std::unexpected(wrong("the server says", line));
    }
    if (code != "200" || !has_text) return std::unexpected(wrong("unexpected reply", line));
    TRY(std::string text, percent_decoded(trim(line.substr(4))));
    if (text.empty()) return std::unexpected(wrong("a reply without value", line));
    return text;
}

std::string netstring(std::string_view text) {
    return std::to_string(text.size()) + ":" + std::string(text) + ",";
}

Result<std::size_t> parse_netstring_length(std::string_view digits, std::size_t limit) {
    const auto size = parse_number(digits);
    if (!size || digits.size() > 9) return std::unexpected(wrong("no netstring", digits));
    if (*size > limit) return std::unexpected(wrong("a reply that is too long", digits));
    return static_cast<std::size_t>(*size);
}

// socketmap_table(5) "REPLY FORMAT"
Found parse_socketmap_reply(std::string_view text) {
    const auto space = text.find(' ');
    const std::string_view status = text.substr(0, space);
    const std::string_view data =
        space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
    if (status == "OK") {
        if (data.empty()) return std::unexpected(wrong("a reply without value", text));
        return std::string(data);
    }
    if (status == "NOTFOUND") return std::nullopt;
    if (status == "TEMP" || status == "TIMEOUT" || status == "PERM")
        return std::unexpected(wrong("the server says", text));
    return std::unexpected(wrong("unexpected reply", text));
}

Result<MemcacheHeader> parse_memcache_header(std::string_view line, std::string_view key) {
    MemcacheHeader header;
    if (line == "END") return header;
    const auto parts = words(line, " ");
    if (parts.size() < 4 || parts[0] != "VALUE" || parts[1] != key)
        return std::unexpected(wrong("unexpected reply", line));
    const auto bytes = parse_number(parts[3]);
    if (!bytes || *bytes > 1u << 30) return std::unexpected(wrong("unexpected reply", line));
    header.found = true;
    header.bytes = static_cast<std::size_t>(*bytes);
    return header;
}

bool is_memcache_key(std::string_view key) {
    if (key.empty() || key.size() > 250) return false;
    for (const char c : key)
        if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
    return true;
}

}  // namespace facteur::table
