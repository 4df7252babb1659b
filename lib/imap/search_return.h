#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/imap/scanner.h"

namespace facteur::imap {

/// RFC 9394 section 3.1: "1:500" from the front, "-1:-500" from the end; both ends included.
struct PartialRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool from_end = false;
    bool operator==(const PartialRange&) const = default;
};
/// "1:500"; the numbers may be turned.
Result<PartialRange> parse_partial_range(Scanner& scanner);
/// As it was asked, the smaller number first.
std::string partial_text(const PartialRange& range);
/// What stands in that window of a result, in its order.
std::vector<std::uint32_t> window(const PartialRange& range,
                                  const std::vector<std::uint32_t>& found);

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
};
/// "RETURN (…) " in front of the program, or nothing.
Result<SearchReturn> parse_search_return(Scanner& scanner);

}  // namespace facteur::imap
