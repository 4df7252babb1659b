#include "lmtp-local/macros.h"

#include <algorithm>
#include <cctype>

namespace facteur::lmtp_local {
namespace {

bool is_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

/// Behind the brace that closes the one at `open`; npos when none does.
std::size_t closing(std::string_view text, std::size_t open) {
    int depth = 0;
    for (std::size_t at = open; at < text.size(); ++at) {
        if (text[at] == '{') ++depth;
        if (text[at] == '}' && --depth == 0) return at + 1;
    }
    return std::string_view::npos;
}

class Expander {
public:
    Expander(const Macros& macros, std::string_view allowed) : macros_(macros), allowed_(allowed) {}

    std::string expand(std::string_view text, int depth = 0) const {
        std::string out;
        for (std::size_t at = 0; at < text.size();) {
            if (text[at] != '$' || at + 1 == text.size() || depth > kMostDepth) {
                out += text[at++];
            } else if (text[at + 1] == '$') {
                out += '$';
                at += 2;
            } else if (text[at + 1] == '{') {
                std::size_t end = closing(text, at + 1);
                if (end == std::string_view::npos) end = text.size();
                out += braced(text.substr(at + 2, end - at - 3), depth);
                at = end;
            } else {
                std::size_t end = at + 1;
                while (end < text.size() && is_name(text[end]))
                    ++end;
                out += value(text.substr(at + 1, end - at - 1));
                at = end;
            }
        }
        return out;
    }

private:
    static constexpr int kMostDepth = 10;

    std::string value(std::string_view name) const {
        auto at = macros_.find(name);
        return at == macros_.end() ? std::string() : filtered(at->second, allowed_);
    }
    std::string braced(std::string_view inner, int depth) const {
        std::size_t end = 0;
        while (end < inner.size() && is_name(inner[end]))
            ++end;
        const std::string found = value(inner.substr(0, end));
        if (end == inner.size()) return found;
        const bool wants_set = inner[end] == '?';
        std::string_view text = inner.substr(end + 1);
        if (text.starts_with('{')) {
            std::size_t close = closing(text, 0);
            std::string_view first = text.substr(1, close - 2);
            std::string_view rest = close > text.size() ? std::string_view() : text.substr(close);
            const bool has_other = rest.starts_with(":{") && rest.ends_with('}');
            if (wants_set && has_other)
                return expand(found.empty() ? rest.substr(2, rest.size() - 3) : first, depth + 1);
            text = first;
        }
        return found.empty() == wants_set ? std::string() : expand(text, depth + 1);
    }

    const Macros& macros_;
    std::string_view allowed_;
};

}  // namespace

std::string filtered(std::string_view text, std::string_view allowed) {
    std::string out(text);
    auto is_bad = [allowed](char c) { return allowed.find(c) == std::string_view::npos; };
    std::replace_if(out.begin(), out.end(), is_bad, '_');
    return out;
}

std::string expand_macros(std::string_view text, const Macros& macros, std::string_view allowed) {
    return Expander(macros, allowed).expand(text);
}

}  // namespace facteur::lmtp_local
