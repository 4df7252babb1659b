#include "imapd/search_text.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/mime/encoded_word.h"
#include "lib/mime/header.h"

namespace facteur::imapd {

namespace {

// Two-byte letters only: they are the ones with case that mail is written in.
char32_t fold_letter(char32_t c) {
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9)) return c + 32;
    if (c >= 0x410 && c <= 0x42f) return c + 32;
    if (c >= 0x400 && c <= 0x40f) return c + 80;
    if (c >= 0x531 && c <= 0x556) return c + 48;
    if (c == 0x3c2) return 0x3c3;  // final sigma
    bool is_even_upper =
        (c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) || (c >= 0x14a && c <= 0x177) ||
        (c >= 0x1de && c <= 0x1ef) || (c >= 0x1f8 && c <= 0x21f) || (c >= 0x222 && c <= 0x233) ||
        (c >= 0x460 && c <= 0x481) || (c >= 0x48a && c <= 0x4bf) || (c >= 0x4d0 && c <= 0x52f);
    if (is_even_upper) return c | 1;
    bool is_odd_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e) ||
                        (c >= 0x1cd && c <= 0x1dc) || (c >= 0x4c1 && c <= 0x4ce);
    if (is_odd_upper && c % 2 == 1) return c + 1;
    return c;
}

bool contains(std::string_view utf8, std::string_view folded) {
    return fold(utf8).find(folded) != std::string::npos;
}

std::string_view piece(std::string_view message, std::uint64_t offset, std::uint64_t size) {
    if (offset >= message.size()) return std::string_view();
    return message.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

bool header_contains(std::string_view header, std::string_view folded) {
    mime::FieldReader reader(header);
    mime::Field field;
    while (reader.next(field)) {
        std::string line =
            std::string(field.name) + ":" + mime::decode_words(mime::unfold(field.value));
        if (contains(line, folded)) return true;
    }
    return false;
}

bool body_contains(std::string_view message, const mime::Part& part, std::string_view folded) {
    std::string_view body = piece(message, part.body_offset, part.body_size);
    std::string decoded = mime::decode_transfer(body, part.encoding);
    std::string charset = mime::parameter(part.parameters, "charset").value_or("us-ascii");
    auto utf8 = mime::to_utf8(decoded, charset);
    return contains(utf8 ? *utf8 : decoded, folded);
}

}  // namespace

std::string fold(std::string_view utf8) {
    std::string out;
    out.reserve(utf8.size());
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        auto lead = static_cast<unsigned char>(utf8[i]);
        bool is_pair = lead >= 0xc2 && lead <= 0xdf && i + 1 < utf8.size() &&
                       (static_cast<unsigned char>(utf8[i + 1]) & 0xc0) == 0x80;
        if (!is_pair) {
            out += lower(utf8[i]);
            continue;
        }
        char32_t letter = static_cast<char32_t>(lead & 0x1f) << 6 |
                          (static_cast<unsigned char>(utf8[++i]) & 0x3f);
        letter = fold_letter(letter);
        out += static_cast<char>(0xc0 | letter >> 6);
        out += static_cast<char>(0x80 | (letter & 0x3f));
    }
    return out;
}

bool contains_text(std::string_view message, const mime::Part& structure, std::string_view folded,
                   bool with_headers) {
    if (with_headers &&
        header_contains(piece(message, structure.header_offset, structure.header_size()), folded)) {
        return true;
    }
    for (const mime::Part& child : structure.children) {
        if (contains_text(message, child, folded, with_headers)) return true;
    }
    bool is_text = structure.type.empty() || structure.type == "text" ||
                   (structure.type == "message" && structure.children.empty());
    return is_text && body_contains(message, structure, folded);
}

}  // namespace facteur::imapd
