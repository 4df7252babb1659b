#include "lib/mime/tokens.h"

#include "lib/base/text.h"

namespace facteur::mime {

void Tokens::skip(std::string* comments) {
    while (!done()) {
        char c = peek();
        if (is_space(c) || c == '\0') {
            ++at_;
        } else if (c == '(') {
            if (comments && !comments->empty()) comments->push_back(' ');
            comment(comments);
        } else {
            return;
        }
    }
}

void Tokens::comment(std::string* out) {
    unsigned depth = 0;  // a counter, not recursion: "((((…" is a stranger's text
    while (!done()) {
        char c = take();
        if (c == '\\' && !done()) {
            c = take();
            if (out) out->push_back(c);
            continue;
        }
        if (c == '(' && depth++ == 0) continue;
        if (c == ')' && --depth == 0) return;
        if (out && c != '\r' && c != '\n' && c != '\0') out->push_back(c);
    }
}

std::string Tokens::quoted() {
    std::string out;
    take();
    while (!done()) {
        char c = take();
        if (c == '"') break;
        if (c == '\\' && !done()) c = take();
        if (c != '\r' && c != '\n' && c != '\0') out.push_back(c);
    }
    return out;
}

std::string_view Tokens::atom(std::string_view stops) {
    std::size_t start = at_;
    while (!done() && !is_space(peek()) && peek() != '\0' &&
           stops.find(peek()) == std::string_view::npos) {
        ++at_;
    }
    return text_.substr(start, at_ - start);
}

}  // namespace facteur::mime
