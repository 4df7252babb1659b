#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
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
    };
    Kind kind = Kind::flags;
    Section section;                 ///< of Kind::section
    std::optional<Partial> partial;  ///< of Kind::section
    bool peek = false;

    /// Fetching it sets \Seen.
    bool sets_seen() const;
    bool operator==(const FetchItem&) const = default;
};

/// fetch-att of RFC 3501 section 9, alone or in parentheses, or one of the macros.
/// At most `limit` items.
Result<std::vector<FetchItem>> parse_fetch_items(Scanner& scanner, std::size_t limit);
/// The name under which the item is answered: "BODY[HEADER.FIELDS (SUBJECT)]<0>".
std::string response_name(const FetchItem& item);

}  // namespace facteur::imap
