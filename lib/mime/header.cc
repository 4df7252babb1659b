#include "lib/mime/header.h"

#include "lib/base/text.h"

namespace facteur::mime {
namespace {

/// Index after the line end of the line that starts at `from`.
std::size_t line_end(std::string_view text, std::size_t from) {
    std::size_t at = text.find('\n', from);
    return at == std::string_view::npos ? text.size() : at + 1;
}

bool is_empty_line(std::string_view text, std::size_t from) {
    return text[from] == '\n' ||
           (text[from] == '\r' && from + 1 < text.size() && text[from + 1] == '\n');
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view without_line_end(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

}  // namespace

bool FieldReader::next(Field& field) {
    if (rest_.empty() || is_empty_line(rest_, 0)) return false;
    std::size_t end = line_end(rest_, 0);
    while (end < rest_.size() && is_blank(rest_[end]))
        end = line_end(rest_, end);
    field.raw = rest_.substr(0, end);
    rest_.remove_prefix(end);
    std::string_view text = without_line_end(field.raw);
    std::size_t colon = text.find(':');
    std::size_t newline = text.find('\n');
    if (colon == std::string_view::npos || newline < colon || colon == 0 || is_blank(text[0])) {
        field.name = {};
        field.value = text;
        return true;
    }
    field.name = text.substr(0, colon);
    // RFC 5322 section 4.5: obsolete syntax has spaces before the colon.
    while (!field.name.empty() && is_blank(field.name.back()))
        field.name.remove_suffix(1);
    field.value = text.substr(colon + 1);
    return true;
}

std::size_t header_length(std::string_view message) {
    std::size_t at = 0;
    while (at < message.size()) {
        if (is_empty_line(message, at)) return line_end(message, at);
        at = line_end(message, at);
    }
    return at;
}

std::string unfold(std::string_view value) {
    std::string out;
    out.reserve(value.size());
    for (char c : value) {
        if (c != '\r' && c != '\n' && c != '\0') out.push_back(c);
    }
    return out;
}

std::optional<std::string> field_value(std::string_view header, std::string_view name) {
    FieldReader reader(header);
    Field field;
    while (reader.next(field)) {
        if (iequals(field.name, name)) {
            std::string value = unfold(field.value);
            return std::string(trim(value));
        }
    }
    return std::nullopt;
}

std::string select_fields(std::string_view header, const std::vector<std::string>& names) {
    std::string out;
    FieldReader reader(header);
    Field field;
    while (reader.next(field)) {
        for (const std::string& name : names) {
            if (!iequals(field.name, name)) continue;
            out.append(field.raw);
            if (!field.raw.ends_with('\n')) out.append("\r\n");
            break;
        }
    }
    return out;
}

}  // namespace facteur::mime
