#include "lib/imap/structure.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/imap/response.h"

namespace facteur::imap {

namespace {

void append_nstring(std::string& out, const std::optional<std::string>& text) {
    if (text) {
        append_string(out, *text);
    } else {
        append_nil(out);
    }
}

// The parts of Part that are empty when the message does not have them.
void append_known(std::string& out, const std::string& text) {
    if (text.empty()) {
        append_nil(out);
    } else {
        append_string(out, text);
    }
}

// RFC 3501 section 7.4.2: NIL as host starts a group, so an address without one needs a word;
// these are Dovecot's.
void append_address(std::string& out, const mime::Address& address) {
    using Kind = mime::Address::Kind;
    out += '(';
    append_known(out, address.name);
    out += ' ';
    append_known(out, address.route);
    out += ' ';
    if (address.kind == Kind::mailbox) {
        append_string(out, address.mailbox.empty() ? "MISSING_MAILBOX" : address.mailbox);
        out += ' ';
        append_string(out, address.host.empty() ? "MISSING_DOMAIN" : address.host);
    } else {
        if (address.kind == Kind::group_start) {
            append_string(out, address.mailbox);
        } else {
            append_nil(out);
        }
        out += " NIL";
    }
    out += ')';
}

void append_addresses(std::string& out, const std::vector<mime::Address>& addresses) {
    out += ' ';
    if (addresses.empty()) return append_nil(out);
    out += '(';
    for (const mime::Address& address : addresses)
        append_address(out, address);
    out += ')';
}

// RFC 2045 section 5.2: text without a charset is US-ASCII, and clients are told so.
void append_parameters(std::string& out, const std::vector<mime::Parameter>& parameters,
                       bool is_text) {
    bool has_charset = false;
    std::string inside;
    for (const mime::Parameter& parameter : parameters) {
        if (!inside.empty()) inside += ' ';
        append_string(inside, parameter.name);
        inside += ' ';
        append_string(inside, parameter.value);
        if (iequals(parameter.name, "charset")) has_charset = true;
    }
    if (is_text && !has_charset) {
        if (!inside.empty()) inside += ' ';
        inside += "\"charset\" \"us-ascii\"";
    }
    out += inside.empty() ? "NIL" : "(" + inside + ")";
}

// body-fld-dsp, body-fld-lang, body-fld-loc of RFC 3501 section 9
void append_extension(std::string& out, const mime::Part& part) {
    out += ' ';
    if (part.disposition.empty()) {
        append_nil(out);
    } else {
        out += '(';
        append_string(out, part.disposition);
        out += ' ';
        append_parameters(out, part.disposition_parameters, false);
        out += ')';
    }
    out += ' ';
    if (part.languages.empty()) {
        append_nil(out);
    } else {
        out += '(';
        for (std::size_t i = 0; i < part.languages.size(); ++i) {
            if (i > 0) out += ' ';
            append_string(out, part.languages[i]);
        }
        out += ')';
    }
    out += ' ';
    append_known(out, part.location);
}

void append_multipart(std::string& out, const mime::Part& part, bool extended,
                      const HeaderSource& header) {
    for (const mime::Part& child : part.children) {
        append_body_structure(out, child, extended, header);
    }
    // The grammar wants at least one part.
    if (part.children.empty()) append_body_structure(out, mime::Part(), extended, header);
    out += ' ';
    append_string(out, part.subtype);
    if (!extended) return;
    out += ' ';
    append_parameters(out, part.parameters, false);
    append_extension(out, part);
}

void append_leaf(std::string& out, const mime::Part& part, bool extended,
                 const HeaderSource& header) {
    bool is_text = part.type.empty() || part.type == "text";
    append_string(out, part.type.empty() ? "text" : part.type);
    out += ' ';
    append_string(out, part.type.empty() ? "plain" : part.subtype);
    out += ' ';
    append_parameters(out, part.parameters, is_text);
    out += ' ';
    append_known(out, part.id);
    out += ' ';
    append_known(out, part.description);
    out += ' ';
    append_string(out, part.encoding.empty() ? "7bit" : part.encoding);
    out += ' ' + std::to_string(part.body_size);
    if (part.is_message()) {
        const mime::Part& inner = part.children.front();
        out += ' ';
        append_envelope(out,
                        mime::parse_envelope(header(inner.header_offset, inner.header_size())));
        out += ' ';
        append_body_structure(out, inner, extended, header);
    }
    if (is_text || part.is_message()) out += ' ' + std::to_string(part.body_lines);
    if (!extended) return;
    out += ' ';
    append_known(out, part.md5);
    append_extension(out, part);
}

/// Where the walk through the part numbers stands: at a whole message, or at one of its parts.
struct Place {
    const mime::Part* part;
    bool is_message;
};

// RFC 3501 section 6.4.5: a message that is not multipart has one part, number 1: its body.
std::optional<Place> step(Place from, std::uint32_t number) {
    if (!from.is_message && from.part->is_message()) {
        from = Place{&from.part->children.front(), true};
    }
    if (from.part->is_multipart()) {
        if (number > from.part->children.size()) return {};
        return Place{&from.part->children[number - 1], false};
    }
    if (!from.is_message || number != 1) return {};
    return Place{from.part, false};
}

Span header_of(const mime::Part& part) {
    return Span{part.header_offset, part.header_size()};
}

Span body_of(const mime::Part& part) {
    return Span{part.body_offset, part.body_size};
}

}  // namespace

void append_envelope(std::string& out, const mime::Envelope& envelope) {
    out += '(';
    append_nstring(out, envelope.date);
    out += ' ';
    append_nstring(out, envelope.subject);
    append_addresses(out, envelope.from);
    append_addresses(out, envelope.sender);
    append_addresses(out, envelope.reply_to);
    append_addresses(out, envelope.to);
    append_addresses(out, envelope.cc);
    append_addresses(out, envelope.bcc);
    out += ' ';
    append_nstring(out, envelope.in_reply_to);
    out += ' ';
    append_nstring(out, envelope.message_id);
    out += ')';
}

void append_body_structure(std::string& out, const mime::Part& part, bool extended,
                           const HeaderSource& header) {
    out += '(';
    if (part.is_multipart()) {
        append_multipart(out, part, extended, header);
    } else {
        append_leaf(out, part, extended, header);
    }
    out += ')';
}

bool has_message(const mime::Part& part) {
    if (part.is_message()) return true;
    for (const mime::Part& child : part.children) {
        if (has_message(child)) return true;
    }
    return false;
}

const mime::Part* find_part(const mime::Part& root, const std::vector<std::uint32_t>& numbers) {
    Place place{&root, true};
    for (std::uint32_t number : numbers) {
        auto next = step(place, number);
        if (!next) return nullptr;
        place = *next;
    }
    return numbers.empty() ? nullptr : place.part;
}

std::optional<Span> locate(const mime::Part& root, std::uint64_t message_size,
                           const Section& section) {
    using Text = Section::Text;
    Place place{&root, true};
    for (std::uint32_t number : section.part) {
        auto next = step(place, number);
        if (!next) return {};
        place = *next;
    }
    if (section.text == Text::mime) return header_of(*place.part);
    if (place.is_message) {
        if (section.text == Text::all) return Span{0, message_size};
        if (section.text != Text::text) return header_of(root);
        return Span{root.body_offset, message_size - std::min(message_size, root.body_offset)};
    }
    if (section.text == Text::all) return body_of(*place.part);
    // RFC 3501 section 6.4.5: HEADER and TEXT below a number need a message/rfc822 there.
    if (!place.part->is_message()) return {};
    const mime::Part& inner = place.part->children.front();
    return section.text == Text::text ? body_of(inner) : header_of(inner);
}

}  // namespace facteur::imap
