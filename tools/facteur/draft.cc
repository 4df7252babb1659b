#include "tools/facteur/draft.h"

#include "lib/base/text.h"
#include "lib/mime/address.h"
#include "lib/mime/header.h"

namespace facteur::tool {
namespace {

/// True when the line can begin a header field (RFC 5322 section 2.2).
bool is_field(std::string_view line) {
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    for (char c : trim(line.substr(0, colon))) {
        if (c <= ' ' || c > '~') return false;
    }
    return true;
}

struct Header {
    std::vector<mime::Field> fields;
    std::string_view body;
    std::string line_end = "\n";
    bool has_separator = false;
};

std::string_view take_line(std::string_view& text) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
    text.remove_prefix(line.size());
    return line;
}

Header read_header(std::string_view input) {
    Header header;
    std::string_view rest = input;
    if (rest.starts_with("From ")) take_line(rest);
    std::string_view begin = rest;
    while (!rest.empty()) {
        std::string_view before = rest;
        std::string_view line = take_line(rest);
        if (line.ends_with("\r\n")) header.line_end = "\r\n";
        const bool folded = before.data() != begin.data() && (line[0] == ' ' || line[0] == '\t');
        if (folded && !trim(line).empty()) continue;
        if (is_field(line)) continue;
        header.has_separator = trim(line).empty();
        rest = before;
        break;
    }
    header.body = rest;
    mime::FieldReader reader(begin.substr(0, begin.size() - rest.size()));
    mime::Field field;
    while (reader.next(field))
        header.fields.push_back(field);
    return header;
}

bool has(const Header& header, std::string_view name) {
    for (const mime::Field& field : header.fields) {
        if (iequals(field.name, name)) return true;
    }
    return false;
}

void add_recipients(std::vector<std::string>& out, const mime::Field& field) {
    for (const mime::Address& address : mime::parse_addresses(mime::unfold(field.value))) {
        if (address.kind != mime::Address::Kind::mailbox || address.mailbox.empty()) continue;
        out.push_back(address.host.empty() ? address.mailbox
                                           : address.mailbox + "@" + address.host);
    }
}

std::vector<std::string> recipients_of(const Header& header) {
    const bool resent =
        has(header, "Resent-To") || has(header, "Resent-Cc") || has(header, "Resent-Bcc");
    std::vector<std::string> found;
    for (const mime::Field& field : header.fields) {
        std::string_view name = field.name;
        if (istarts_with(name, "Resent-") != resent) continue;
        if (resent) name.remove_prefix(7);
        if (iequals(name, "To") || iequals(name, "Cc") || iequals(name, "Bcc")) {
            add_recipients(found, field);
        }
    }
    return found;
}

/// "Full Name <user@origin>", the name quoted when it needs that (RFC 5322 section 3.2.3).
std::string from_field(const DraftWishes& wishes) {
    std::string address = wishes.sender.empty() ? "MAILER-DAEMON" : wishes.sender;
    if (address.find('@') == std::string::npos) address += "@" + wishes.origin;
    if (wishes.full_name.empty()) return address;
    std::string name = printable(wishes.full_name, 200);
    constexpr std::string_view kSpecials = "()<>[]:;@\\,.\"";
    if (name.find_first_of(kSpecials) != std::string::npos) {
        name = replace_all(replace_all(name, "\\", "\\\\"), "\"", "\\\"");
        name = "\"" + name + "\"";
    }
    return name + " <" + address + ">";
}

}  // namespace

Draft make_draft(std::string_view input, const DraftWishes& wishes) {
    Header header = read_header(input);
    Draft draft;
    if (wishes.extract_recipients) draft.recipients = recipients_of(header);
    draft.content.reserve(input.size() + 512);
    auto add = [&](std::string_view name, std::string_view value) {
        if (has(header, name)) return;
        draft.content += std::string(name) + ": " + std::string(value) + header.line_end;
    };
    for (const mime::Field& field : header.fields) {
        if (iequals(field.name, "Bcc") || iequals(field.name, "Resent-Bcc")) continue;
        draft.content += field.raw;
        if (!field.raw.ends_with('\n')) draft.content += header.line_end;
    }
    add("Message-Id", "<" + wishes.message_id + ">");
    add("Date", wishes.date);
    add("From", from_field(wishes));
    if (!header.has_separator) draft.content += header.line_end;
    draft.content += header.body;
    return draft;
}

}  // namespace facteur::tool
