#include "lib/mime/binary.h"

#include "lib/base/encoding.h"
#include "lib/mime/part.h"
#include "lib/mime/seven_bit.h"

namespace facteur::mime {
namespace {

bool has_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

/// RFC 2045 section 6.8: lines of 76 characters.
std::string base64_lines(std::string_view body) {
    constexpr std::size_t kLine = 57;
    std::string out;
    for (std::size_t at = 0; at < body.size(); at += kLine)
        out.append(base64_encode(body.substr(at, kLine))).append("\r\n");
    return out;
}

/// Copies the message and replaces the bodies that need it.
class Encoder {
public:
    explicit Encoder(std::string_view message) : message_(message) {}

    void encode(const Part& part, bool is_root) {
        for (const Part& child : part.children)
            encode(child, part.is_message());
        if (!part.children.empty() || part.header_offset < at_) return;
        std::string_view body = message_.substr(part.body_offset, part.body_size);
        bool plain =
            part.encoding == "7bit" || part.encoding == "8bit" || part.encoding == "binary";
        if (!plain || !has_nul(body)) return;
        std::string_view header = message_.substr(part.header_offset, part.header_size());
        out_ += message_.substr(at_, part.header_offset - at_);
        out_ += with_encoding(header, "base64", is_root);
        out_ += base64_lines(body);
        at_ = part.body_offset + part.body_size;
        // The line end before a boundary is not the body's, and base64_lines() has made one.
        if (message_.substr(at_).starts_with("\r\n")) at_ += 2;
    }
    std::string take() {
        out_ += message_.substr(at_);
        return std::move(out_);
    }

private:
    std::string_view message_;
    std::string out_;
    std::uint64_t at_ = 0;  ///< what is before was copied
};

}  // namespace

Result<std::string> without_nul(std::string_view message) {
    if (!has_nul(message)) return std::string(message);
    Part root = parse_structure(message);
    Encoder encoder(message);
    encoder.encode(root, true);
    std::string encoded = encoder.take();
    if (has_nul(encoded)) return permanent("NUL where it cannot be encoded", "5.6.1");
    return encoded;
}

}  // namespace facteur::mime
