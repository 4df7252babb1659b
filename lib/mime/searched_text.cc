#include "lib/mime/searched_text.h"

#include "lib/mime/casemap.h"
#include "lib/mime/encoded_word.h"
#include "lib/mime/header.h"

namespace facteur::mime {
namespace {

std::string_view piece(std::string_view message, std::uint64_t offset, std::uint64_t size) {
    if (offset >= message.size()) return std::string_view();
    return message.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

bool visit_header(std::string_view header, const TextVisitor& visit) {
    FieldReader reader(header);
    Field field;
    while (reader.next(field)) {
        std::string line = std::string(field.name) + ":" + decode_words(unfold(field.value));
        if (visit(casemap(line))) return true;
    }
    return false;
}

bool visit_body(std::string_view message, const Part& part, const TextVisitor& visit) {
    std::string_view body = piece(message, part.body_offset, part.body_size);
    std::string decoded = decode_transfer(body, part.encoding);
    std::string charset = parameter(part.parameters, "charset").value_or("us-ascii");
    auto utf8 = to_utf8(decoded, charset);
    return visit(casemap(utf8 ? *utf8 : decoded));
}

}  // namespace

bool each_text(std::string_view message, const Part& structure, const TextVisitor* headers,
               const TextVisitor& bodies) {
    if (headers != nullptr &&
        visit_header(piece(message, structure.header_offset, structure.header_size()), *headers)) {
        return true;
    }
    for (const Part& child : structure.children) {
        if (each_text(message, child, headers, bodies)) return true;
    }
    bool is_text = structure.type.empty() || structure.type == "text" ||
                   (structure.type == "message" && structure.children.empty());
    return is_text && visit_body(message, structure, bodies);
}

bool contains_text(std::string_view message, const Part& structure, std::string_view folded,
                   bool with_headers) {
    TextVisitor visit = [folded](const std::string& text) {
        return text.find(folded) != std::string::npos;
    };
    return each_text(message, structure, with_headers ? &visit : nullptr, visit);
}

}  // namespace facteur::mime
