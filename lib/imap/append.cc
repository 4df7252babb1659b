#include "lib/imap/append.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

Result<LiteralMark> message_mark(Scanner& scanner) {
    auto mark = trailing_literal(scanner.rest());
    if (!mark || mark->at != 0) return permanent("Message literal expected", "5.5.2");
    return *mark;
}

}  // namespace

Result<std::string> parse_append_mailbox(Scanner& scanner) {
    TRY_VOID(scanner.sp());
    return scanner.astring();
}

Result<AppendMessage> parse_append_message(Scanner& scanner) {
    AppendMessage message;
    TRY_VOID(scanner.sp());
    if (scanner.next_is('(')) {
        TRY(message.flags, scanner.flag_list());
        TRY_VOID(scanner.sp());
    }
    if (scanner.next_is('"')) {
        TRY(message.date, scanner.date_time());
        TRY_VOID(scanner.sp());
    }
    if (scanner.take("CATENATE (")) {
        message.form = AppendMessage::Form::catenate;
        return message;
    }
    bool is_utf8 = scanner.take("UTF8 (");
    if (is_utf8) message.form = AppendMessage::Form::utf8;
    TRY(message.mark, message_mark(scanner));
    // RFC 6855 section 4 knows literal8 only there.
    if (is_utf8 && !message.mark.binary) return permanent("Binary literal expected", "5.5.2");
    return message;
}

Result<CatenatePart> parse_catenate_part(Scanner& scanner) {
    CatenatePart part;
    std::string word = scanner.keyword();
    TRY_VOID(scanner.sp());
    part.is_url = word == "URL";
    if (!part.is_url && word != "TEXT") return permanent("TEXT or URL expected", "5.5.2");
    if (!part.is_url || scanner.next_is('{')) {
        TRY(part.mark, message_mark(scanner));
        return part;
    }
    TRY(part.url, scanner.astring());
    return part;
}

bool is_append_message(std::string_view command) {
    Scanner scanner(command);
    if (!scanner.tag() || !scanner.sp()) return false;
    std::string name = scanner.keyword();
    if (name == "UID" && scanner.take(' ')) name = scanner.keyword();
    // RFC 8508 section 3: a number first.
    bool is_replace = name == "REPLACE" && scanner.sp() && scanner.nz_number();
    return (name == "APPEND" || is_replace) && parse_append_mailbox(scanner) &&
           parse_append_message(scanner);
}

}  // namespace facteur::imap
