#include "lib/mime/content_type.h"

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

}  // namespace

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
    return out;
}

}  // namespace facteur::mime
