#include "addressd/address_list.h"

#include "lib/base/text.h"

namespace facteur::addressd {
namespace {

/// `"…"` as a whole, without its quotes and backslashes; text is returned as it is otherwise.
std::string unquoted(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
    std::string out;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == '"') return std::string(text);  // "a"@b, "c"
        if (text[i] == '\\' && i + 2 < text.size()) ++i;
        out += text[i];
    }
    return out;
}

class ListParser {
public:
    explicit ListParser(std::string_view text) : text_(text) {}

    std::vector<std::string> parse() {
        while (at_ < text_.size())
            step();
        finish();
        return std::move(members_);
    }

private:
    void step() {
        const char c = text_[at_];
        if (c == '"') {
            quoted_string();
        } else if (c == '(') {
            comment();
        } else if (c == '\\' && at_ + 1 < text_.size()) {
            member_.append(text_.substr(at_, 2));
            at_ += 2;
        } else if (c == ',' || is_space(c)) {
            finish();
            if (c == ',') since_comma_ = members_.size();
            ++at_;
        } else if (c == '<') {
            angle();
        } else {
            member_ += c;
            ++at_;
        }
    }
    void quoted_string() {
        std::size_t end = at_ + 1;
        while (end < text_.size() && text_[end] != '"')
            end += text_[end] == '\\' ? 2 : 1;
        end = std::min(end + 1, text_.size());
        member_.append(text_.substr(at_, end - at_));
        at_ = end;
    }
    void comment() {
        int depth = 0;
        for (; at_ < text_.size(); ++at_) {
            if (text_[at_] == '\\')
                ++at_;
            else if (text_[at_] == '(')
                ++depth;
            else if (text_[at_] == ')' && --depth == 0)
                break;
        }
        if (at_ < text_.size()) ++at_;
    }
    // "My Name <address>": only the address counts.
    void angle() {
        const auto end = text_.find('>', at_);
        if (end == std::string_view::npos) {
            member_ += text_[at_++];
            return;
        }
        members_.resize(since_comma_);
        member_ = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        finish();
    }
    void finish() {
        if (!member_.empty()) members_.push_back(unquoted(member_));
        member_.clear();
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t since_comma_ = 0;  ///< members before it stay
    std::string member_;
    std::vector<std::string> members_;
};

}  // namespace

std::vector<std::string> parse_address_list(std::string_view text) {
    return ListParser(text).parse();
}

}  // namespace facteur::addressd
