#pragma once

#include <string>
#include <vector>

#include "lib/imap/metadata.h"
#include "lib/imap/scanner.h"

namespace facteur::imap {

/// LIST with the extensions of RFC 5258, RFC 5819 and RFC 6154.
struct ListArguments {
    bool is_extended = false;  ///< some option or a list of patterns was there
    // Which mailboxes (RFC 5258 section 3.1)
    bool only_subscribed = false;
    bool only_special_use = false;
    bool recursive_match = false;
    std::string reference;
    std::vector<std::string> patterns;
    // What to tell of them (RFC 5258 section 3.2); children and roles are told anyway
    bool tell_subscribed = false;
    unsigned status = 0;                    ///< StatusItem bits, RFC 5819 section 2
    bool tell_my_rights = false;            ///< RFC 8440 section 3
    std::optional<MetadataQuery> metadata;  ///< RFC 9590 section 3
};
/// At most `limit` patterns.  The scanner stands at the space behind LIST.
Result<ListArguments> parse_list(Scanner& scanner, std::size_t limit);

}  // namespace facteur::imap
