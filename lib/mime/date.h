#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace facteur::mime {

/// A moment and the time zone it was written in.
struct Date {
    std::int64_t time = 0;  ///< seconds since the epoch, UTC
    int zone_minutes = 0;   ///< east of UTC
    bool operator==(const Date&) const = default;
};

/// RFC 5322 section 3.3 with the obsolete forms (two-digit years, named zones, comments).
std::optional<Date> parse_date(std::string_view text);

}  // namespace facteur::mime
