#include "lib/mime/envelope.h"

#include "lib/base/text.h"
#include "lib/mime/header.h"

namespace facteur::mime {
namespace {

void set(std::optional<std::string>& target, std::string_view value) {
    if (target) return;  // the first one counts, as in other servers
    std::string text = unfold(value);
    target = std::string(trim(text));
}

void add(std::vector<Address>& target, std::string_view value) {
    std::vector<Address> more = parse_addresses(value);
    target.insert(target.end(), more.begin(), more.end());
}

}  // namespace

Envelope parse_envelope(std::string_view header) {
    Envelope out;
    FieldReader reader(header);
    Field field;
    while (reader.next(field)) {
        std::string name = to_lower(field.name.substr(0, 16));
        if (name == "date") set(out.date, field.value);
        if (name == "subject") set(out.subject, field.value);
        if (name == "from") add(out.from, field.value);
        if (name == "sender") add(out.sender, field.value);
        if (name == "reply-to") add(out.reply_to, field.value);
        if (name == "to") add(out.to, field.value);
        if (name == "cc") add(out.cc, field.value);
        if (name == "bcc") add(out.bcc, field.value);
        if (name == "in-reply-to") set(out.in_reply_to, field.value);
        if (name == "message-id") set(out.message_id, field.value);
    }
    // RFC 3501 section 7.4.2: an absent or empty Sender or Reply-To is From.
    if (out.sender.empty()) out.sender = out.from;
    if (out.reply_to.empty()) out.reply_to = out.from;
    return out;
}

}  // namespace facteur::mime
