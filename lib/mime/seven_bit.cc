#include "lib/mime/seven_bit.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/mime/header.h"
#include "lib/mime/part.h"

namespace facteur::mime {
namespace {

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 128; });
}

class Converter {
public:
    explicit Converter(std::string_view message) : message_(message) {}

    bool convert(const Part& part, bool is_root) {
        std::string_view header = message_.substr(part.header_offset, part.header_size());
        std::string_view body = message_.substr(part.body_offset, part.body_size);
        if (!is_ascii(header)) return false;
        bool plain =
            part.encoding == "7bit" || part.encoding == "8bit" || part.encoding == "binary";
        bool clean = is_ascii(body);
        if (!part.children.empty()) return convert_children(part, header);
        if (clean && part.encoding != "8bit" && part.encoding != "binary") {
            out_.append(header).append(body);
        } else if (clean) {
            out_ += with_encoding(header, "7bit", is_root);
            out_ += body;
        } else if (plain && part.type != "message" && part.type != "multipart") {
            out_ += with_encoding(header, "quoted-printable", is_root);
            out_ += quoted_printable(body);
        } else {
            return false;
        }
        return true;
    }
    std::string take() { return std::move(out_); }

private:
    bool copy(std::uint64_t from, std::uint64_t to) {
        std::string_view piece = message_.substr(from, to - from);
        out_ += piece;
        return is_ascii(piece);
    }
    bool convert_children(const Part& part, std::string_view header) {
        bool labelled = part.encoding == "8bit" || part.encoding == "binary";
        if (labelled) {
            out_ += with_encoding(header, "7bit", false);
        } else {
            out_ += header;
        }
        std::uint64_t at = part.body_offset;
        for (const Part& child : part.children) {
            // Boundaries stand between the parts, and what people write there.
            if (child.header_offset < at || !copy(at, child.header_offset)) return false;
            if (!convert(child, part.is_message())) return false;
            at = child.body_offset + child.body_size;
        }
        std::uint64_t end = part.body_offset + part.body_size;
        return at <= end && copy(at, end);
    }

    std::string_view message_;
    std::string out_;
};

}  // namespace

std::string with_encoding(std::string_view header, std::string_view encoding, bool is_root) {
    std::string out;
    bool has_version = false, has_type = false;
    FieldReader reader(header);
    Field field;
    while (reader.next(field)) {
        if (iequals(field.name, "Content-Transfer-Encoding")) continue;
        has_version = has_version || iequals(field.name, "MIME-Version");
        has_type = has_type || iequals(field.name, "Content-Type");
        out += field.raw;
    }
    if (is_root && !has_version) out += "MIME-Version: 1.0\r\n";
    // RFC 1428 section 3: the name for what nobody knows.
    if (is_root && !has_type) out += "Content-Type: text/plain; charset=unknown-8bit\r\n";
    out.append("Content-Transfer-Encoding: ").append(encoding).append("\r\n\r\n");
    return out;
}

std::string quoted_printable(std::string_view body) {
    constexpr std::size_t kMostColumns = 75;  // and the "=" of a soft line break
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    std::size_t column = 0;
    for (std::size_t i = 0; i < body.size(); ++i) {
        if (body.compare(i, 2, "\r\n") == 0) {
            out += "\r\n";
            ++i;
            column = 0;
            continue;
        }
        auto byte = static_cast<unsigned char>(body[i]);
        bool blank = byte == ' ' || byte == '\t';
        bool line_end = i + 1 == body.size() || body.compare(i + 1, 2, "\r\n") == 0;
        bool literal = (byte > 32 && byte < 127 && byte != '=') || (blank && !line_end);
        std::size_t width = literal ? 1 : 3;
        if (column + width > kMostColumns) {
            out += "=\r\n";
            column = 0;
        }
        column += width;
        if (literal) {
            out += body[i];
        } else {
            out.append({'=', kHex[byte >> 4], kHex[byte & 15]});
        }
    }
    return out;
}

Result<std::string> to_seven_bit(std::string_view message) {
    Part root = parse_structure(message);
    Converter converter(message);
    if (!converter.convert(root, true)) {
        return permanent("the message has 8-bit text that cannot be converted", "5.6.3");
    }
    std::string converted = converter.take();
    std::uint64_t end = root.body_offset + root.body_size;
    converted += message.substr(std::min<std::uint64_t>(end, message.size()));
    if (is_ascii(converted)) return converted;
    return permanent("the message has 8-bit text that cannot be converted", "5.6.3");
}

}  // namespace facteur::mime
