#include "lib/table/expansion.h"

#include "lib/base/text.h"

namespace facteur::table {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

struct Parts {
    std::string_view whole;
    std::string_view user;  ///< the whole text when it has no '@'
    std::string_view domain;
    std::vector<std::string_view> labels;

    explicit Parts(std::string_view text) : whole(text), user(text) {
        const auto at = text.rfind('@');
        if (at == std::string_view::npos) return;
        user = text.substr(0, at);
        domain = text.substr(at + 1);
        labels = words(domain, ".");
    }
    std::string_view get(char expansion) const {
        switch (expansion) {
            case 's':
                return whole;
            case 'u':
                return user;
            case 'd':
                return domain;
            default:
                break;
        }
        const auto n = static_cast<std::size_t>(expansion - '0');
        return n <= labels.size() ? labels[labels.size() - n] : std::string_view();
    }
};

bool is_upper(char c) {
    return c == 'S' || c == 'U' || c == 'D';
}

}  // namespace

Result<Template> Template::parse(std::string_view text) {
    Template made;
    std::string literal;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            literal += text[i];
            continue;
        }
        const char letter = ++i < text.size() ? text[i] : '\0';
        if (letter == '%') {
            literal += '%';
            continue;
        }
        if (letter == '\0' || std::string_view("sudSUD123456789").find(letter) == std::string::npos)
            return permanent("\"" + printable(text, 80) +
                             "\": behind % stands one of s u d S U D " + "1-9 %");
        if (!literal.empty()) made.pieces.push_back(Piece{std::move(literal), 0});
        literal.clear();
        made.pieces.push_back(Piece{std::string(), letter});
    }
    if (!literal.empty()) made.pieces.push_back(Piece{std::move(literal), 0});
    return made;
}

bool Expansion::Needs::met_by(std::string_view address) const {
    const Parts parts(address);
    if ((domain || labels > 0) && parts.domain.empty()) return false;
    if (user && parts.user.empty()) return false;
    return parts.labels.size() >= labels;
}

void Expansion::note(const Template& text, bool is_result) {
    for (const Template::Piece& piece : text.pieces) {
        Needs& needs = is_result && !is_upper(piece.expansion) && !is_digit(piece.expansion)
                           ? of_value_
                           : of_key_;
        const char letter = lower(piece.expansion);
        if (letter == 'u') needs.user = true;
        if (letter == 'd') needs.domain = true;
        if (is_digit(letter))
            needs.labels = std::max(needs.labels, static_cast<std::size_t>(letter - '0'));
    }
}

Result<std::size_t> Expansion::add_query(std::string_view text) {
    TRY(Template parsed, Template::parse(text));
    note(parsed, false);
    queries_.push_back(std::move(parsed));
    return queries_.size() - 1;
}

Result<void> Expansion::set_result_format(std::string_view text) {
    TRY(result_, Template::parse(text));
    note(result_, true);
    return {};
}

Result<std::optional<std::string>> Expansion::query(std::size_t which, std::string_view key,
                                                    const Quote& quote) const {
    if (key.empty() || !of_key_.met_by(key)) return std::nullopt;
    const Parts parts(key);
    std::string out;
    for (const Template::Piece& piece : queries_.at(which).pieces) {
        if (piece.expansion == 0) {
            out += piece.literal;
            continue;
        }
        TRY(std::string quoted, quote(parts.get(lower(piece.expansion))));
        out += quoted;
    }
    return out;
}

bool Expansion::append(std::string& result, std::string_view value, std::string_view key) const {
    if (value.empty() || !of_value_.met_by(value) || !of_key_.met_by(key)) return false;
    const Parts of_value(value);
    const Parts of_key(key);
    if (!result.empty()) result += ',';
    for (const Template::Piece& piece : result_.pieces) {
        const char letter = piece.expansion;
        if (letter == 0) {
            result += piece.literal;
        } else if (is_upper(letter) || is_digit(letter)) {
            result += of_key.get(lower(letter));
        } else {
            result += of_value.get(letter);
        }
    }
    return true;
}

std::string quoted_for_filter(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::string_view("*()\\").find(c) == std::string_view::npos && c != '\0') {
            out += c;
            continue;
        }
        out += '\\';
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
    }
    return out;
}

std::string quoted_for_dn(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool edge_space = c == ' ' && (i == 0 || i + 1 == text.size());
        const bool first_hash = c == '#' && i == 0;
        if (c == '\0') {
            out += "\\00";
            continue;
        }
        if (edge_space || first_hash ||
            std::string_view("\"+,;<>\\=").find(c) != std::string_view::npos)
            out += '\\';
        out += c;
    }
    return out;
}

}  // namespace facteur::table
