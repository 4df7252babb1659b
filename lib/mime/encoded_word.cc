#include "lib/mime/encoded_word.h"

#include <array>
#include <map>

#include <iconv.h>

#include "lib/base/text.h"
#include "lib/mime/header.h"

namespace facteur::mime {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool valid_utf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        auto lead = static_cast<unsigned char>(text[at]);
        std::size_t more = 0;
        if (lead >= 0xf0 && lead <= 0xf4) {
            more = 3;
        } else if (lead >= 0xe0 && lead < 0xf0) {
            more = 2;
        } else if (lead >= 0xc2 && lead < 0xe0) {
            more = 1;
        } else if (lead >= 0x80) {
            return false;
        }
        if (at + more >= text.size()) return false;
        for (std::size_t i = 1; i <= more; ++i) {
            if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return false;
        }
        at += more + 1;
    }
    return true;
}

std::string from_latin1(std::string_view text) {
    std::string out;
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            out.push_back(c);
        } else {
            out.push_back(static_cast<char>(0xc0 | (byte >> 6)));
            out.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
        }
    }
    return out;
}

/// iconv descriptor that closes itself.
class CharsetConverter {
public:
    explicit CharsetConverter(const std::string& charset)
        : cd_(::iconv_open("UTF-8", charset.c_str())) {}
    CharsetConverter(const CharsetConverter&) = delete;
    CharsetConverter& operator=(const CharsetConverter&) = delete;
    ~CharsetConverter() {
        if (usable()) ::iconv_close(cd_);
    }
    bool usable() const { return reinterpret_cast<std::intptr_t>(cd_) != -1; }
    std::string convert(std::string_view text);

private:
    iconv_t cd_;
};

std::string CharsetConverter::convert(std::string_view text) {
    std::string out;
    std::array<char, 1024> block{};
    char* in = const_cast<char*>(text.data());  // NOLINT: iconv's signature, it writes nothing
    std::size_t left = text.size();
    while (left > 0) {
        char* to = block.data();
        std::size_t room = block.size();
        std::size_t before = left;
        bool failed = ::iconv(cd_, &in, &left, &to, &room) == static_cast<std::size_t>(-1);
        out.append(block.data(), block.size() - room);
        if (failed && errno != E2BIG) {
            out.append(kReplacement);
            ++in;
            --left;
        } else if (left == before && room == block.size()) {
            break;
        }
    }
    return out;
}

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    char low = lower(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// One encoded word's text: RFC 2047 section 4.
std::string decode_text(std::string_view text, char encoding) {
    if (encoding == 'b') return decode_transfer(text, "base64");
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '_') {
            out.push_back(' ');
        } else if (text[i] == '=' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                   hex_digit(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

struct Word {
    std::string charset;
    std::string bytes;
    std::size_t length = 0;  ///< in the field; 0: it is none
};

/// An encoded word at the front of `text`.
Word take_encoded(std::string_view text) {
    Word word;
    if (!text.starts_with("=?")) return word;
    std::size_t charset = text.find('?', 2);
    if (charset == std::string_view::npos || charset + 3 >= text.size()) return word;
    char encoding = lower(text[charset + 1]);
    if ((encoding != 'b' && encoding != 'q') || text[charset + 2] != '?') return word;
    std::size_t end = text.find("?=", charset + 3);
    if (end == std::string_view::npos) return word;
    std::string_view name = text.substr(2, charset - 2);
    word.charset = to_lower(name.substr(0, name.find('*')));  // RFC 2231 section 5: language
    word.bytes = decode_text(text.substr(charset + 3, end - charset - 3), encoding);
    word.length = end + 2;
    return word;
}

std::string as_text(const std::string& raw) {
    return valid_utf8(raw) ? raw : from_latin1(raw);
}

/// Joins the bytes of neighbours of one charset first: many programs cut characters in two.
class WordJoiner {
public:
    void add(Word word) {
        if (word.charset != charset_) flush();
        charset_ = std::move(word.charset);
        bytes_ += word.bytes;
    }
    void flush() {
        if (!charset_.empty()) {
            auto text = to_utf8(bytes_, charset_);
            out += text ? *text : as_text(bytes_);
        }
        charset_.clear();
        bytes_.clear();
    }
    bool pending() const { return !charset_.empty(); }
    std::string out;

private:
    std::string charset_;
    std::string bytes_;
};

std::string percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

}  // namespace

std::optional<std::string> to_utf8(std::string_view text, std::string_view charset) {
    std::string name = to_lower(charset);
    if (name.empty() || name == "us-ascii" || name == "utf-8" || name == "utf8") {
        if (valid_utf8(text)) return std::string(text);
        if (name != "utf-8" && name != "utf8") return from_latin1(text);
        name = "utf-8";
    }
    // The name goes to iconv_open: nothing but what charset names are made of.
    for (char c : name) {
        if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_' && c != '.' && c != ':')
            return std::nullopt;
    }
    CharsetConverter converter(name);
    if (!converter.usable()) return std::nullopt;
    return converter.convert(text);
}

std::string decode_words(std::string_view value) {
    std::string unfolded = unfold(value);
    std::string_view text = trim(unfolded);
    WordJoiner joiner;
    std::string spaces;
    std::string plain;
    auto end_plain = [&] {
        joiner.out += as_text(plain);
        plain.clear();
    };
    while (!text.empty()) {
        Word word = take_encoded(text);
        if (word.length > 0) {
            text.remove_prefix(word.length);
            end_plain();
            // RFC 2047 section 6.2: white space between two encoded words is not shown.
            if (!joiner.pending()) joiner.out += spaces;
            spaces.clear();
            joiner.add(std::move(word));
            continue;
        }
        char c = text.front();
        text.remove_prefix(1);
        if (is_space(c)) {
            spaces.push_back(c == '\t' ? ' ' : c);
            continue;
        }
        joiner.flush();
        plain += spaces;
        spaces.clear();
        plain.push_back(c);
    }
    joiner.flush();
    end_plain();
    return joiner.out;
}

std::optional<std::string> parameter(const std::vector<Parameter>& parameters,
                                     std::string_view name) {
    std::map<std::uint64_t, std::string> pieces;
    std::string charset;
    for (const Parameter& candidate : parameters) {
        std::string_view given = candidate.name;
        if (iequals(given, name)) {
            bool words = candidate.value.find("=?") != std::string::npos;
            return words ? decode_words(candidate.value) : as_text(candidate.value);
        }
        if (!istarts_with(given, name) || given.size() <= name.size()) continue;
        given.remove_prefix(name.size());
        if (given.front() != '*') continue;
        given.remove_prefix(1);
        // RFC 2231 sections 3 and 4: name*=, name*0=, name*0*=
        bool encoded = given.empty() || given.ends_with('*');
        if (given.ends_with('*')) given.remove_suffix(1);
        std::uint64_t number = 0;
        if (!given.empty()) {
            auto parsed = parse_number(given);
            if (!parsed) continue;
            number = *parsed;
        }
        std::string_view text = candidate.value;
        if (encoded && number == 0) {
            std::size_t first = text.find('\'');
            std::size_t second =
                text.find('\'', first == std::string_view::npos ? first : first + 1);
            if (second != std::string_view::npos) {
                charset = std::string(text.substr(0, first));
                text.remove_prefix(second + 1);
            }
        }
        pieces[number] = encoded ? percent_decode(text) : std::string(text);
    }
    if (pieces.empty()) return std::nullopt;
    std::string bytes;
    for (const auto& [number, piece] : pieces)
        bytes += piece;
    auto text = to_utf8(bytes, charset);
    return text ? *text : as_text(bytes);
}

}  // namespace facteur::mime
