#include "lib/mime/content_type.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/mime/tokens.h"

namespace facteur::mime {
namespace {

constexpr std::size_t kMaxParameters = 100;

/// False when nothing more can be read.
bool take_parameter(Tokens& tokens, std::vector<Parameter>& parameters) {
    Parameter parameter;
    parameter.name = to_lower(tokens.atom("=;(\""));
    tokens.skip();
    if (!tokens.take_if('=')) {
        while (!tokens.done() && tokens.peek() != ';') {
            if (tokens.peek() == '"') {
                tokens.quoted();
            } else {
                tokens.take();
            }
        }
        return !tokens.done();
    }
    tokens.skip();
    if (tokens.peek() == '"') {
        parameter.value = tokens.quoted();
    } else {
        // RFC 2045 section 5.1 wants values with tspecials quoted; many are not.
        parameter.value = std::string(tokens.atom(";("));
    }
    if (!parameter.name.empty()) parameters.push_back(std::move(parameter));
    return true;
}

/// RFC 2231 sections 3 and 4: "name*0", "name*1*" and "name*" are pieces of one value.
struct Piece {
    std::string name;
    std::uint64_t index = 0;
    bool is_extended = false;
    std::string value;
};

/// Nothing when the name has another form.
std::optional<Piece> piece_of(const Parameter& parameter) {
    std::size_t star = parameter.name.find('*');
    if (star == std::string::npos || star == 0) return {};
    std::string_view rest = std::string_view(parameter.name).substr(star + 1);
    Piece piece;
    piece.name = parameter.name.substr(0, star);
    piece.value = parameter.value;
    piece.is_extended = rest.empty() || rest.ends_with('*');
    if (rest.ends_with('*')) rest.remove_suffix(1);
    if (rest.empty()) return piece;
    auto index = parse_number(rest);
    if (!index || *index > kMaxParameters) return {};
    piece.index = *index;
    return piece;
}

void add_escaped(std::string& out, std::string_view value) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    for (char c : value) {
        auto u = static_cast<unsigned char>(c);
        bool is_plain = u > 0x20 && u < 0x7f &&
                        std::string_view("%*'()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
        if (is_plain) {
            out += c;
        } else {
            out.append(1, '%').append(1, kHex[u >> 4]).append(1, kHex[u & 15]);
        }
    }
}

/// Pieces of one name, ascending by index, as one parameter; as they were when one is missing.
void join(const std::vector<Piece>& pieces, std::vector<Parameter>& out) {
    bool has_extended = false;
    bool is_whole = true;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        has_extended |= pieces[i].is_extended;
        is_whole &= pieces[i].index == i;
    }
    if (!is_whole) {
        for (const Piece& piece : pieces) {
            std::string name = piece.name + "*" + std::to_string(piece.index);
            out.push_back(Parameter{name + (piece.is_extended ? "*" : ""), piece.value});
        }
        return;
    }
    Parameter whole;
    whole.name = pieces.front().name + (has_extended ? "*" : "");
    if (has_extended && !pieces.front().is_extended) whole.value = "''";
    for (const Piece& piece : pieces) {
        if (has_extended && !piece.is_extended) {
            add_escaped(whole.value, piece.value);
        } else {
            whole.value += piece.value;
        }
    }
    out.push_back(std::move(whole));
}

void join_pieces(std::vector<Parameter>& parameters) {
    std::map<std::string, std::vector<Piece>> pieces;
    std::vector<Parameter> joined;
    for (Parameter& parameter : parameters) {
        if (auto piece = piece_of(parameter)) {
            pieces[piece->name].push_back(*std::move(piece));
        } else {
            joined.push_back(std::move(parameter));
        }
    }
    for (auto& [name, all] : pieces) {
        std::stable_sort(all.begin(), all.end(),
                         [](const Piece& a, const Piece& b) { return a.index < b.index; });
        join(all, joined);
    }
    parameters = std::move(joined);
}

}  // namespace

// RFC 2231 section 4: charset, language, and octets as %XX.
std::string decode_extended(std::string_view value) {
    std::size_t first = value.find('\'');
    std::size_t second = first == std::string_view::npos ? first : value.find('\'', first + 1);
    if (second != std::string_view::npos) value.remove_prefix(second + 1);
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        auto octet = value[i] == '%' ? hex_decode(value.substr(i + 1, 2)) : std::nullopt;
        if (octet && octet->size() == 1) {
            out += *octet;
            i += 2;
        } else {
            out += value[i];
        }
    }
    return out;
}

Parameterized parse_parameterized(std::string_view field_value) {
    Parameterized out;
    Tokens tokens(field_value);
    tokens.skip();
    out.value = to_lower(tokens.atom("/;(\""));
    tokens.skip();
    if (tokens.take_if('/')) {
        tokens.skip();
        out.subtype = to_lower(tokens.atom(";(\""));
    }
    while (!tokens.done() && out.parameters.size() < kMaxParameters) {
        tokens.skip();
        while (tokens.take_if(';'))
            tokens.skip();
        if (tokens.done()) break;
        std::size_t before = tokens.position();
        if (!take_parameter(tokens, out.parameters)) break;
        if (tokens.position() == before) tokens.take();
    }
    join_pieces(out.parameters);
    return out;
}

}  // namespace facteur::mime
