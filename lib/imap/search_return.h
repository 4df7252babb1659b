#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/imap/fetch.h"
#include "lib/imap/notify.h"
#include "lib/imap/partial_range.h"
#include "lib/imap/scanner.h"

namespace facteur::imap {

/// RFC 4466 section 2.6.1, RFC 4731 section 3.1, RFC 5182 section 2.1: what SEARCH, SORT and THREAD
/// are to return.
struct SearchReturn {
    bool is_extended = false;  ///< RETURN was said: the answer is ESEARCH
    bool min = false;
    bool max = false;
    bool all = false;
    bool count = false;
    bool save = false;
    std::optional<PartialRange> partial;
    bool update = false;                  ///< RFC 5267 section 4.3: the search goes on
    std::vector<FetchItem> update_items;  ///< RFC 5465 section 7
};
/// "RETURN (…) " in front of the program, or nothing.
Result<SearchReturn> parse_search_return(Scanner& scanner);
/// RFC 7377 section 2.2: "IN (…) " in front of both, at most `limit` names in each; none: what is
/// selected.
Result<std::vector<MailboxFilter>> parse_search_sources(Scanner& scanner, std::size_t limit);

}  // namespace facteur::imap
