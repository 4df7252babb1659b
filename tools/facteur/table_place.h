#pragma once

#include <string>
#include <vector>

namespace facteur::tool {

/// Where an entry of a table stands.
struct TablePlace {
    std::string file;
    int line = 0;  ///< 0: it is in no text file
};

/// The entry of "type:/file" that gave this value for one of these keys, or for a part of it (a
/// domain, a network).  For databases the text that they are made of is looked through; for
/// regexp:, pcre: and cidr: the rules are tried again.
TablePlace place_in_table(const std::string& table, const std::vector<std::string>& keys,
                          const std::string& value);

}  // namespace facteur::tool
