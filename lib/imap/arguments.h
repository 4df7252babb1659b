#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/imap/scanner.h"

namespace facteur::imap {

/// RFC 3501 section 6.3.11, up to the message itself.
struct AppendArguments {
    std::string mailbox;
    FlagList flags;
    std::optional<WallTime> date;
    LiteralMark message;
};
/// The scanner stands behind "APPEND"; its text ends with the mark of the message's literal, of
/// which nothing was read.  An Error when that mark belongs to the mailbox name, or for bad syntax.
Result<AppendArguments> parse_append(Scanner& scanner);

/// RFC 3501 section 6.4.6: what STORE does with the flags.
struct StoreArguments {
    enum class Mode { replace, add, remove };
    Mode mode = Mode::replace;
    bool silent = false;
    FlagList flags;
};
/// The scanner stands behind the sequence set and its space.
Result<StoreArguments> parse_store(Scanner& scanner);

/// RFC 3501 section 6.3.10, as bits in the order in which they are answered.
enum StatusItem : unsigned {
    status_messages = 1,
    status_recent = 2,
    status_uid_next = 4,
    status_uid_validity = 8,
    status_unseen = 16,
};
Result<unsigned> parse_status_items(Scanner& scanner);

/// RFC 2971 section 3.1: NIL or a list of at most 30 fields and values.
Result<std::vector<std::pair<std::string, std::string>>> parse_id(Scanner& scanner);

}  // namespace facteur::imap
