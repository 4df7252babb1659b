#include <array>

#include "lib/base/text.h"
#include "lib/mime/encoded_word.h"

namespace facteur::mime {
namespace {

constexpr std::array<signed char, 256> kBase64 = [] {
    std::array<signed char, 256> table{};
    table.fill(-1);
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < letters.size(); ++i)
        table[static_cast<unsigned char>(letters[i])] = static_cast<signed char>(i);
    return table;
}();

/// RFC 2045 section 6.8: characters outside the alphabet are skipped, padding ends a group.
std::string from_base64(std::string_view body) {
    std::string out;
    out.reserve(body.size() / 4 * 3);
    std::uint32_t bits = 0;
    int count = 0;
    for (char c : body) {
        if (c == '=') {
            count = 0;
            continue;
        }
        int value = kBase64[static_cast<unsigned char>(c)];
        if (value < 0) continue;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        ++count;
        if (count == 1) continue;
        int shift = 6 - 2 * (count - 1);
        out.push_back(static_cast<char>(bits >> shift));
        if (count == 4) count = 0;
    }
    return out;
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    char low = lower(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// RFC 2045 section 6.7; what is not an escape stays.
std::string from_quoted_printable(std::string_view body) {
    std::string out;
    out.reserve(body.size());
    std::size_t kept = 0;  // up to here nothing was added in transport
    for (std::size_t i = 0; i < body.size(); ++i) {
        char c = body[i];
        if (c == '\r' || c == '\n') {
            // Rule 3: spaces at the end of a line were added in transport, but not encoded ones.
            while (out.size() > kept && (out.back() == ' ' || out.back() == '\t'))
                out.pop_back();
            out.push_back(c);
            continue;
        }
        if (c != '=') {
            out.push_back(c);
            continue;
        }
        std::size_t end = i + 1;
        while (end < body.size() && (body[end] == ' ' || body[end] == '\t' || body[end] == '\r'))
            ++end;
        if (end < body.size() && body[end] == '\n') {
            i = end;  // soft line break
        } else if (i + 2 < body.size() && hex_value(body[i + 1]) >= 0 &&
                   hex_value(body[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_value(body[i + 1]) * 16 + hex_value(body[i + 2])));
            kept = out.size();
            i += 2;
        } else {
            out.push_back('=');
        }
    }
    return out;
}

}  // namespace

std::string decode_transfer(std::string_view body, std::string_view encoding) {
    if (iequals(encoding, "base64")) return from_base64(body);
    if (iequals(encoding, "quoted-printable")) return from_quoted_printable(body);
    return std::string(body);
}

}  // namespace facteur::mime
