#pragma once

#include <optional>
#include <string>

#include "lib/imap/scanner.h"

namespace facteur::imap {

/// One message of APPEND, up to its first octet (RFC 3501 section 6.3.11).
struct AppendMessage {
    enum class Form {
        literal,
        catenate,  ///< RFC 4469 section 3: the scanner stands at the first part
        utf8,      ///< RFC 6855 section 4: "UTF8 (", literal8, ")"
    };
    Form form = Form::literal;
    FlagList flags;
    std::optional<WallTime> date;
    LiteralMark mark;  ///< of literal and utf8; nothing of it was read
};

/// The space and the name behind "APPEND".  An Error for bad syntax, also when the name is a
/// literal that has not been read yet.
Result<std::string> parse_append_mailbox(Scanner& scanner);
/// From the space before it on; RFC 3502 section 6.3.11 has several.
Result<AppendMessage> parse_append_message(Scanner& scanner);

/// RFC 4469 section 3: one part.
struct CatenatePart {
    bool is_url = false;
    std::string url;                  ///< unless it is a literal
    std::optional<LiteralMark> mark;  ///< of a text or of a URL: nothing of it was read
};
Result<CatenatePart> parse_catenate_part(Scanner& scanner);

/// The text is that of an APPEND whose next octets are the message, or a part of it.
bool is_append_message(std::string_view command);

}  // namespace facteur::imap
