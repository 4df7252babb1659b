#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/imap/partial_range.h"
#include "lib/imap/scanner.h"

namespace facteur::imap {

/// What stands between the brackets of BODY[…] (RFC 3501 section 6.4.5).
struct Section {
    enum class Text { all, header, header_fields, header_fields_not, text, mime };
    std::vector<std::uint32_t> part;  ///< "1.2" is {1, 2}; empty: the message itself
    Text text = Text::all;
    std::vector<std::string> fields;  ///< of HEADER.FIELDS and HEADER.FIELDS.NOT, as written
    bool operator==(const Section&) const = default;
};

/// "<0.2048>": so many octets from that offset.
struct Partial {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool operator==(const Partial&) const = default;
};

struct FetchItem {
    enum class Kind {
        flags,
        uid,
        internal_date,
        size,
        envelope,
        body,  ///< BODY: the structure without extension data
        body_structure,
        section,  ///< BODY[…] and BODY.PEEK[…]
        rfc822,
        rfc822_header,
        rfc822_text,
        modseq,       ///< RFC 7162 section 3.1.5
        binary,       ///< BINARY[…], RFC 3516 section 4.2
        binary_size,  ///< BINARY.SIZE[…]
        preview,      ///< RFC 8970 section 3
        save_date,    ///< RFC 8514 section 4.2
        email_id,     ///< RFC 8474 section 5.3
        thread_id,
    };
    Kind kind = Kind::flags;
    Section section;                 ///< of section, binary and binary_size
    std::optional<Partial> partial;  ///< of section and binary
    bool peek = false;

    /// Fetching it sets \Seen.
    bool sets_seen() const;
    bool operator==(const FetchItem&) const = default;
};

/// fetch-att of RFC 3501 section 9, alone or in parentheses, or one of the macros.
/// At most `limit` items.
Result<std::vector<FetchItem>> parse_fetch_items(Scanner& scanner, std::size_t limit);
/// RFC 4466 section 2.4: what may stand behind the items.
struct FetchModifiers {
    std::optional<std::uint64_t> changed_since;  ///< RFC 7162 section 3.1.4
    bool vanished = false;                       ///< RFC 7162 section 3.2.6
    std::optional<PartialRange> partial;         ///< RFC 9394 section 3.3
};
/// At the end of the command, or at the space before the modifiers.
Result<FetchModifiers> parse_fetch_modifiers(Scanner& scanner);

/// The name under which the item is answered: "BODY[HEADER.FIELDS (SUBJECT)]<0>".
std::string response_name(const FetchItem& item);

}  // namespace facteur::imap
