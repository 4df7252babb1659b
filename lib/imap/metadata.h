#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/imap/scanner.h"

namespace facteur::imap {

/// RFC 5464 section 4.2: what GETMETADATA asks, and LIST RETURN (METADATA …) of RFC 9590.
struct MetadataQuery {
    enum class Depth { zero, one, infinity };
    std::optional<std::uint32_t> max_size;  ///< section 4.2.1
    Depth depth = Depth::zero;              ///< section 4.2.2
    std::vector<std::string> entries;       ///< in lower case
};
/// The entry is asked for: itself, or what stands below it.
bool asks_for(const MetadataQuery& query, std::string_view entry);
/// RFC 5464 section 3.2: "/private/" or "/shared/" and components; lower case afterwards.
Result<std::string> metadata_entry(std::string_view name);
/// One entry, or a list of at most `limit`.
Result<std::vector<std::string>> parse_metadata_entries(Scanner& scanner, std::size_t limit);

struct GetMetadata {
    std::string mailbox;  ///< empty: the server
    MetadataQuery query;
};
/// The scanner stands at the space behind the command's name, here and below.
Result<GetMetadata> parse_get_metadata(Scanner& scanner, std::size_t limit);

struct SetMetadata {
    std::string mailbox;
    std::vector<std::pair<std::string, std::optional<std::string>>> values;
};
Result<SetMetadata> parse_set_metadata(Scanner& scanner, std::size_t limit);

}  // namespace facteur::imap
