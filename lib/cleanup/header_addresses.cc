#include "lib/cleanup/header_addresses.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/smtp/address.h"

namespace facteur::cleanup {
namespace {

constexpr std::string_view kSenderFields[] = {
    "From",        "Sender",           "Reply-To",        "Errors-To",
    "Resent-From", "Resent-Sender",    "Resent-Reply-To", "Return-Receipt-To",
    "Return-Path", "Mail-Followup-To", "Mail-Reply-To",   "Disposition-Notification-To",
};
constexpr std::string_view kRecipientFields[] = {
    "To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc", "Apparently-To",
};

/// RFC 5322 section 3.2: what a field's value is made of.
struct Token {
    enum class Kind : unsigned char { atom, quoted, literal, special, broken };
    Kind kind = Kind::atom;
    std::size_t at = 0;
    std::size_t end = 0;
    std::string text;  ///< quotes taken off
};

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_special(char c) {
    return std::string_view("<>,;:@.").find(c) != std::string_view::npos;
}

class Tokens {
public:
    explicit Tokens(std::string_view value) : value_(value) {}

    /// False at the end.
    bool next(Token& token) {
        skip_comments();
        if (place_ == value_.size()) return false;
        token = Token();
        token.at = place_;
        const char c = value_[place_];
        if (c == '"' || c == '[') {
            enclosed(token, c == '"' ? '"' : ']');
        } else if (is_special(c)) {
            token.kind = Token::Kind::special;
            token.text = c;
            ++place_;
        } else {
            while (place_ < value_.size() && !ends_atom(value_[place_]))
                ++place_;
            if (place_ == token.at) {
                token.kind = Token::Kind::broken;  // a stray ) ] or backslash
                ++place_;
            }
            token.text = value_.substr(token.at, place_ - token.at);
        }
        token.end = place_;
        return true;
    }

private:
    static bool ends_atom(char c) {
        return is_blank(c) || is_special(c) || c == '(' || c == ')' || c == '"' || c == '[' ||
               c == ']' || c == '\\';
    }
    void skip_comments() {
        std::size_t depth = 0;
        for (; place_ < value_.size(); ++place_) {
            const char c = value_[place_];
            if (depth > 0 && c == '\\' && place_ + 1 < value_.size()) {
                ++place_;
            } else if (c == '(') {
                ++depth;
            } else if (depth > 0) {
                if (c == ')') --depth;
            } else if (!is_blank(c)) {
                return;
            }
        }
    }
    /// A quoted string or a domain literal; one without an end is broken.
    void enclosed(Token& token, char end) {
        token.kind = end == '"' ? Token::Kind::quoted : Token::Kind::literal;
        if (end == ']') token.text = '[';
        for (++place_; place_ < value_.size() && value_[place_] != end; ++place_) {
            if (value_[place_] == '\\' && place_ + 1 < value_.size()) ++place_;
            if (value_[place_] != '\r' && value_[place_] != '\n') token.text += value_[place_];
        }
        if (place_ == value_.size()) {
            token.kind = Token::Kind::broken;
            return;
        }
        ++place_;
        if (end == ']') token.text += ']';
    }

    std::string_view value_;
    std::size_t place_ = 0;
};

bool is(const Token& token, char special) {
    return token.kind == Token::Kind::special && token.text.front() == special;
}

bool is_word(const Token& token) {
    return token.kind == Token::Kind::atom || token.kind == Token::Kind::quoted;
}

/// Words with dots between them, and a domain or none; empty: that is no address.
std::string address_of(const std::vector<Token>& tokens, std::size_t from) {
    std::string address;
    bool in_domain = false;
    bool wants_word = true;
    for (std::size_t i = from; i < tokens.size(); ++i) {
        const Token& token = tokens[i];
        if (is(token, '@')) {
            if (in_domain || address.empty()) return {};
            in_domain = wants_word = true;
        } else if (is(token, '.')) {
            if (address.empty() || address.back() == '@') return {};
            wants_word = true;
        } else if (is_word(token) || (in_domain && token.kind == Token::Kind::literal)) {
            if (!wants_word || (in_domain && token.kind == Token::Kind::quoted)) return {};
            wants_word = false;
        } else {
            return {};
        }
        address += token.text;
    }
    return address.ends_with('@') ? std::string() : address;
}

/// Past "@one,@two:" before an address in angle brackets.
std::size_t behind_route(const std::vector<Token>& tokens) {
    if (tokens.empty() || !is(tokens.front(), '@')) return 0;
    for (std::size_t i = 0; i < tokens.size(); ++i)
        if (is(tokens[i], ':')) return i + 1;
    return 0;
}

bool has_controls(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
}

/// Cuts a value into its elements.
class Elements {
public:
    Elements(std::string_view value, std::size_t limit) : tokens_(value), limit_(limit) {}

    std::vector<AddressSpan> all() {
        Token token;
        while (spans_.size() < limit_ && tokens_.next(token)) {
            if (in_brackets_) {
                take_bracketed(std::move(token));
            } else if (is(token, '<')) {
                in_brackets_ = true;
                open_.clear();
            } else if (is(token, ',') || is(token, ';')) {
                close();
            } else if (is(token, ':')) {
                open_.clear();  // the name of a group
                had_brackets_ = false;
            } else {
                open_.push_back(std::move(token));
            }
        }
        if (spans_.size() < limit_ && !in_brackets_) close();
        return std::move(spans_);
    }

private:
    void take_bracketed(Token token) {
        if (!is(token, '>')) {
            open_.push_back(std::move(token));
            return;
        }
        if (!had_brackets_) add(behind_route(open_));
        had_brackets_ = true;
        in_brackets_ = false;
        open_.clear();
    }
    void close() {
        if (!had_brackets_) add(0);
        had_brackets_ = false;
        open_.clear();
    }
    void add(std::size_t from) {
        if (open_.size() <= from) return;
        std::string address = address_of(open_, from);
        if (address.empty() || has_controls(address)) return;
        const std::size_t at = open_.front().at;
        spans_.push_back(AddressSpan{at, open_.back().end - at, std::move(address)});
    }

    Tokens tokens_;
    std::size_t limit_;
    std::vector<AddressSpan> spans_;
    std::vector<Token> open_;  ///< of the element that is not complete
    bool in_brackets_ = false;
    bool had_brackets_ = false;  ///< what follows them is no address
};

}  // namespace

FieldClass field_class(std::string_view name) {
    const auto has = [&](const auto& names) {
        return std::any_of(std::begin(names), std::end(names),
                           [&](std::string_view each) { return iequals(each, name); });
    };
    if (has(kSenderFields)) return FieldClass::sender;
    return has(kRecipientFields) ? FieldClass::recipient : FieldClass::none;
}

std::vector<AddressSpan> address_spans(std::string_view value, std::size_t limit) {
    return Elements(value, limit).all();
}

std::string with_addresses(std::string_view value, const std::vector<AddressSpan>& spans) {
    std::string out;
    std::size_t done = 0;
    for (const AddressSpan& span : spans) {
        out.append(value.substr(done, span.at - done)).append(smtp::to_external(span.address));
        done = span.at + span.size;
    }
    return out.append(value.substr(done));
}

}  // namespace facteur::cleanup
