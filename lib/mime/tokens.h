#pragma once

#include <string>
#include <string_view>

namespace facteur::mime {

/// Lexical tokens of structured header fields: RFC 5322 section 3.2, tolerant.
class Tokens {
public:
    explicit Tokens(std::string_view text) : text_(text) {}

    bool done() const { return at_ >= text_.size(); }
    char peek() const { return done() ? '\0' : text_[at_]; }
    char take() { return done() ? '\0' : text_[at_++]; }
    bool take_if(char c) {
        if (done() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    /// White space, line ends and comments; the comments' text is added to `comments` when given.
    void skip(std::string* comments = nullptr);
    /// A quoted string (the quote is next), without quotes and escapes; runs to the end when it
    /// is not closed.
    std::string quoted();
    /// Up to white space, control characters or one of `stops`.
    std::string_view atom(std::string_view stops);
    std::size_t position() const { return at_; }
    void seek(std::size_t at) { at_ = at; }

private:
    void comment(std::string* out);

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace facteur::mime
