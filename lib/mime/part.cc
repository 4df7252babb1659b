#include "lib/mime/part.h"

#include <algorithm>
#include <optional>

#include "lib/base/text.h"
#include "lib/mime/content_type.h"
#include "lib/mime/header.h"

namespace facteur::mime {
namespace {

/// A delimiter line of a multipart (RFC 2046 section 5.1.1).
struct Delimiter {
    std::size_t
        start;  ///< where the part before it ends: the line end before "--" is the delimiter's
    std::size_t line;  ///< the "--"
    std::size_t next;  ///< after the delimiter's line
    bool closes;
};

class StructureParser {
public:
    StructureParser(std::string_view message, const Limits& limits)
        : message_(message), limits_(limits) {}

    Part entity(std::size_t from, std::size_t to, unsigned depth, bool in_digest);

private:
    void read_header(Part& part, std::string_view header, bool in_digest) const;
    void multipart(Part& part, std::size_t end, unsigned depth);
    void embedded(Part& part, std::size_t end, unsigned depth);
    std::optional<Delimiter> find(std::string_view boundary, std::size_t from,
                                  std::size_t to) const;
    std::uint64_t lines(std::size_t from, std::size_t to) const;

    std::string_view message_;
    const Limits& limits_;
    unsigned parts_ = 0;
};

std::string clean(std::string_view value) {
    std::string text = unfold(value);
    return std::string(trim(text));
}

void apply_content_type(Part& part, std::string_view value) {
    Parameterized parsed = parse_parameterized(value);
    // RFC 2045 section 5.2: what is not understood is text/plain.
    if (parsed.value.empty() || parsed.subtype.empty()) return;
    part.type = std::move(parsed.value);
    part.subtype = std::move(parsed.subtype);
    part.parameters = std::move(parsed.parameters);
}

/// Empty when there is none.  RFC 2231 allows "boundary*0" and "boundary*" too.
std::string boundary_of(const Part& part) {
    for (const Parameter& parameter : part.parameters)
        if (parameter.name == "boundary") return parameter.value;
    for (const Parameter& parameter : part.parameters)
        if (parameter.name == "boundary*") return decode_extended(parameter.value);
    return std::string();
}

void StructureParser::read_header(Part& part, std::string_view header, bool in_digest) const {
    part.type = in_digest ? "message" : "text";  // RFC 2046 section 5.1.5
    part.subtype = in_digest ? "rfc822" : "plain";
    part.encoding = "7bit";
    FieldReader reader(header);
    Field field;
    while (reader.next(field)) {
        if (!istarts_with(field.name, "content-")) continue;
        std::string name = to_lower(field.name.substr(8));
        if (name == "type") {
            apply_content_type(part, field.value);
        } else if (name == "transfer-encoding") {
            std::string value = to_lower(parse_parameterized(field.value).value);
            if (!value.empty()) part.encoding = std::move(value);
        } else if (name == "id") {
            part.id = clean(field.value);
        } else if (name == "description") {
            part.description = clean(field.value);
        } else if (name == "md5") {
            part.md5 = clean(field.value);
        } else if (name == "location") {
            part.location = clean(field.value);
        } else if (name == "disposition") {
            Parameterized parsed = parse_parameterized(field.value);
            part.disposition = std::move(parsed.value);
            part.disposition_parameters = std::move(parsed.parameters);
        } else if (name == "language") {
            part.languages.clear();
            const std::string tags = clean(field.value);
            for (std::string_view word : words(tags))
                part.languages.emplace_back(word);
        }
    }
}

Part StructureParser::entity(std::size_t from, std::size_t to, unsigned depth, bool in_digest) {
    ++parts_;
    Part part;
    std::string_view whole = message_.substr(from, to - from);
    std::size_t header = header_length(whole);
    part.header_offset = from;
    part.body_offset = from + header;
    part.body_size = to - part.body_offset;
    read_header(part, whole.substr(0, std::min(header, limits_.header_bytes)), in_digest);
    bool may_descend = depth < limits_.depth && parts_ < limits_.parts;
    if (part.type == "multipart") {
        if (may_descend && !boundary_of(part).empty()) {
            multipart(part, to, depth);
            return part;
        }
        part.type = "text";
        part.subtype = "plain";
        part.parameters.clear();
    } else if (part.type == "message" && (part.subtype == "rfc822" || part.subtype == "global")) {
        if (may_descend) {
            embedded(part, to, depth);
        } else {
            part.type = "application";
            part.subtype = "octet-stream";
        }
    }
    part.body_lines = lines(part.body_offset, to);
    return part;
}

void StructureParser::embedded(Part& part, std::size_t end, unsigned depth) {
    part.children.push_back(entity(part.body_offset, end, depth + 1, false));
}

void StructureParser::multipart(Part& part, std::size_t end, unsigned depth) {
    const std::string boundary = "--" + boundary_of(part);
    bool digest = part.subtype == "digest";
    std::optional<Delimiter> open = find(boundary, part.body_offset, end);
    while (open && !open->closes && parts_ < limits_.parts) {
        std::optional<Delimiter> close = find(boundary, open->next, end);
        // A missing closing delimiter: the last part runs to the end of what contains it.
        std::size_t stop = close ? std::max(close->start, open->next) : end;
        part.children.push_back(entity(open->next, stop, depth + 1, digest));
        open = close;
    }
    if (part.children.empty()) {
        // BODYSTRUCTURE has no form for a multipart without parts: an empty text stands in.
        Part empty;
        empty.type = "text";
        empty.subtype = "plain";
        empty.encoding = "7bit";
        empty.header_offset = empty.body_offset = end;
        part.children.push_back(std::move(empty));
    }
}

std::optional<Delimiter> StructureParser::find(std::string_view boundary, std::size_t from,
                                               std::size_t to) const {
    std::string_view text = message_.substr(0, to);
    for (std::size_t at = from; (at = text.find(boundary, at)) != std::string_view::npos; ++at) {
        if (at != from && text[at - 1] != '\n') continue;
        std::size_t end = text.find('\n', at);
        std::size_t next = end == std::string_view::npos ? to : end + 1;
        std::string_view tail = text.substr(at + boundary.size(), next - at - boundary.size());
        bool closes = tail.starts_with("--");
        // RFC 2046 section 5.1.1: only white space may follow; else it is a longer boundary.
        if (!trim(tail).empty() && !closes) continue;
        std::size_t start = at;
        if (start > from && text[start - 1] == '\n') --start;
        if (start > from && start < at && text[start - 1] == '\r') --start;
        return Delimiter{start, at, next, closes};
    }
    return std::nullopt;
}

std::uint64_t StructureParser::lines(std::size_t from, std::size_t to) const {
    if (from >= to) return 0;
    std::string_view body = message_.substr(from, to - from);
    return static_cast<std::uint64_t>(std::count(body.begin(), body.end(), '\n'));
}

}  // namespace

Part parse_structure(std::string_view message, const Limits& limits) {
    return StructureParser(message, limits).entity(0, message.size(), 0, false);
}

}  // namespace facteur::mime
