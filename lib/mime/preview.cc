#include "lib/mime/preview.h"

#include "lib/base/text.h"
#include "lib/mime/encoded_word.h"

namespace facteur::mime {
namespace {

/// More than this of a body is not decoded for a preview.
constexpr std::size_t kMostBytes = 8192;

/// The first text part, text/plain before text/html, not an attachment.
const Part* find_text(const Part& part, std::string_view subtype) {
    if (part.type == "text" && part.subtype == subtype && part.disposition != "attachment" &&
        part.body_size > 0) {
        return &part;
    }
    if (part.is_message()) return nullptr;
    for (const Part& child : part.children) {
        if (const Part* found = find_text(child, subtype)) return found;
    }
    return nullptr;
}

/// Without tags, comments and what stands in <style> and <script>.
std::string strip_html(std::string_view html) {
    std::string out;
    std::size_t at = 0;
    while (at < html.size()) {
        if (html[at] != '<') {
            out.push_back(html[at++]);
            continue;
        }
        std::string_view rest = html.substr(at);
        std::string_view closing = ">";
        if (istarts_with(rest, "<!--")) closing = "-->";
        if (istarts_with(rest, "<style")) closing = "</style>";
        if (istarts_with(rest, "<script")) closing = "</script>";
        std::size_t end = rest.find(closing);
        if (end == std::string_view::npos) break;
        at += end + closing.size();
        out.push_back(' ');
    }
    return replace_all(replace_all(std::move(out), "&nbsp;", " "), "&amp;", "&");
}

/// White space runs become one space; cut before `limit` characters.
std::string squeeze(std::string_view text, std::size_t limit) {
    std::string out;
    std::size_t characters = 0;
    bool space = false;
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte <= ' ' || byte == 0x7f) {
            space = !out.empty();
            continue;
        }
        if (space && ++characters <= limit) out.push_back(' ');
        space = false;
        if ((byte & 0xc0) != 0x80 && ++characters > limit) break;
        out.push_back(c);
    }
    while (out.ends_with(' '))
        out.pop_back();
    return out;
}

}  // namespace

std::string preview(std::string_view message, const Part& root, std::size_t limit) {
    const Part* text = find_text(root, "plain");
    bool html = text == nullptr;
    if (html) text = find_text(root, "html");
    if (!text || text->body_offset > message.size()) return {};
    std::string_view body =
        message.substr(text->body_offset, text->body_size).substr(0, kMostBytes);
    std::string decoded = decode_transfer(body, text->encoding);
    auto charset = parameter(text->parameters, "charset");
    auto utf8 = to_utf8(decoded, charset.value_or("us-ascii"));
    if (!utf8) return {};
    return squeeze(html ? strip_html(*utf8) : *utf8, limit);
}

}  // namespace facteur::mime
