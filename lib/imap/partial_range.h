#pragma once

#include <cstdint>
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

}  // namespace facteur::imap
