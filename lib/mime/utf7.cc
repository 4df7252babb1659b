#include "lib/mime/utf7.h"

#include <cstdint>

namespace facteur::mime {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

constexpr bool is_direct(char c) {
    return c >= 0x20 && c <= 0x7e;
}

/// One code point off the front; nothing when it is not one.
std::optional<char32_t> take_utf8(std::string_view& text) {
    auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    std::size_t length = 1;
    char32_t code = byte(0);
    if (code >= 0xf0 && code <= 0xf4) {
        length = 4;
        code &= 0x07;
    } else if (code >= 0xe0 && code < 0xf0) {
        length = 3;
        code &= 0x0f;
    } else if (code >= 0xc2 && code < 0xe0) {
        length = 2;
        code &= 0x1f;
    } else if (code >= 0x80) {
        return std::nullopt;
    }
    if (text.size() < length) return std::nullopt;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
        code = (code << 6) | (byte(i) & 0x3f);
    }
    constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return std::nullopt;
    text.remove_prefix(length);
    return code;
}

void put_utf8(std::string& out, char32_t code) {
    auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | (code >> 6));
        put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(0xe0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3f));
        put(0x80 | (code & 0x3f));
    } else {
        put(0xf0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3f));
        put(0x80 | ((code >> 6) & 0x3f));
        put(0x80 | (code & 0x3f));
    }
}

/// Collects 16-bit units as base64 between "&" and "-".
class Shifted {
public:
    explicit Shifted(std::string& out) : out_(out) {}
    void unit(char32_t value) {
        if (!open_) out_.push_back('&');
        open_ = true;
        bits_ = (bits_ << 16) | value;
        count_ += 16;
        for (; count_ >= 6; count_ -= 6)
            out_.push_back(kLetters[(bits_ >> (count_ - 6)) & 0x3f]);
    }
    void close() {
        if (!open_) return;
        if (count_ > 0) out_.push_back(kLetters[(bits_ << (6 - count_)) & 0x3f]);
        out_.push_back('-');
        open_ = false;
        bits_ = 0;
        count_ = 0;
    }

private:
    std::string& out_;
    bool open_ = false;
    std::uint64_t bits_ = 0;
    unsigned count_ = 0;
};

/// The base64 between "&" and "-" as UTF-8.
bool decode_shifted(std::string_view base64, std::string& out) {
    std::uint32_t bits = 0;
    unsigned count = 0;
    char32_t high = 0;
    for (char c : base64) {
        std::size_t value = kLetters.find(c);
        if (value == std::string_view::npos) return false;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 16) continue;
        count -= 16;
        char32_t unit = (bits >> count) & 0xffff;
        if (unit >= 0xdc00 && unit < 0xe000) {
            if (!high) return false;
            put_utf8(out, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
            high = 0;
            continue;
        }
        if (high) return false;
        if (unit >= 0xd800 && unit < 0xdc00) {
            high = unit;
        } else if (unit < 0x80 && is_direct(static_cast<char>(unit))) {
            return false;  // must have been written as itself: one name, one spelling
        } else {
            put_utf8(out, unit);
        }
    }
    return !high && count < 6 && (bits & ((1U << count) - 1)) == 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        if (!take_utf8(text)) return false;
    }
    return true;
}

std::optional<std::string> utf8_to_utf7(std::string_view utf8) {
    std::string out;
    Shifted shifted(out);
    while (!utf8.empty()) {
        auto code = take_utf8(utf8);
        if (!code) return std::nullopt;
        if (*code < 0x80 && is_direct(static_cast<char>(*code))) {
            shifted.close();
            out.push_back(static_cast<char>(*code));
            if (*code == '&') out.push_back('-');
        } else if (*code >= 0x10000) {
            shifted.unit(0xd800 + ((*code - 0x10000) >> 10));
            shifted.unit(0xdc00 + ((*code - 0x10000) & 0x3ff));
        } else {
            shifted.unit(*code);
        }
    }
    shifted.close();
    return out;
}

std::optional<std::string> utf7_to_utf8(std::string_view utf7) {
    std::string out;
    for (std::size_t i = 0; i < utf7.size(); ++i) {
        if (!is_direct(utf7[i])) return std::nullopt;
        if (utf7[i] != '&') {
            out.push_back(utf7[i]);
            continue;
        }
        std::size_t end = utf7.find('-', i);
        if (end == std::string_view::npos) return std::nullopt;
        if (end == i + 1) {
            out.push_back('&');
        } else if (!decode_shifted(utf7.substr(i + 1, end - i - 1), out)) {
            return std::nullopt;
        }
        i = end;
    }
    // One name has one spelling: nothing that we would write in another way.
    if (utf8_to_utf7(out) != utf7) return std::nullopt;
    return out;
}

}  // namespace facteur::mime
