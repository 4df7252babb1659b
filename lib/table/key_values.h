#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/config/main_cf.h"

namespace facteur::table {

struct Entry {
    std::string key;
    std::string value;
    int line = 0;
    bool operator==(const Entry&) const = default;
};

/// A text file that tables are made of, and what was wrong in it (lines left out).
struct Source {
    std::vector<Entry> entries;
    std::vector<conf::Problem> problems;
};

/// postmap(1) "TABLE FILE FORMAT": `key whitespace value`; a key in double quotes may hold spaces.
Source parse_map(std::string_view text, const std::string& file);

/// aliases(5): `name: value, value`; names and values may be quoted.  Values come out with single
/// spaces, ", " between them, as postalias(1) stores them.
Source parse_aliases(std::string_view text, const std::string& file);

/// What stands in `inline:{ key = value, { key = text with spaces, and commas } }`.
Result<std::vector<Entry>> parse_inline(std::string_view text);

}  // namespace facteur::table
