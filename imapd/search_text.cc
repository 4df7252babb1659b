#include "imapd/search_text.h"

#include "lib/mime/casemap.h"
#include "lib/mime/encoded_word.h"
#include "lib/mime/header.h"

namespace facteur::imapd {

namespace {

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
    return mime::casemap(utf8);
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
