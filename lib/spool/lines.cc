#include "lib/spool/lines.h"

#include "lib/base/encoding.h"

namespace facteur::spool {

std::string escape(std::string_view value) {
    std::string out;
    out.reserve(value.size());
    for (char c : value) {
        if (static_cast<unsigned char>(c) >= ' ' && c != '\\' && c != 0x7f) {
            out += c;
        } else {
            out += "\\x" + hex_encode(std::string_view(&c, 1));
        }
    }
    return out;
}

std::string unescape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x') {
            if (auto byte = hex_decode(text.substr(i + 2, 2))) {
                out += *byte;
                i += 3;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

void put_line(std::string& out, std::string_view key, std::string_view value) {
    out += key;
    out += ' ';
    out += escape(value);
    out += '\n';
}

bool take_line(std::string_view& in, TextLine& line) {
    std::size_t end = in.find('\n');
    if (end == std::string_view::npos) return false;
    std::string_view text = in.substr(0, end);
    in.remove_prefix(end + 1);
    std::size_t space = text.find(' ');
    line.key = text.substr(0, space);
    line.value = space == std::string_view::npos ? std::string() : unescape(text.substr(space + 1));
    return true;
}

}  // namespace facteur::spool
