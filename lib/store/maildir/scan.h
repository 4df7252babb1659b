#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/result.h"
#include "lib/store/index/format.h"

namespace facteur::store::maildir {

/// A file found in new/ or cur/.
struct Listed {
    std::string name;
    index::Entry::Place place = index::Entry::in_new;
    bool known = false;  ///< the index has it
};

/// What the directories hold, by message key.
struct Listing {
    std::unordered_map<std::string, Listed> files;
    /// Files whose key another file has already.
    std::vector<Listed> duplicates;
    bool has_new = false;  ///< new/ was read
    bool has_cur = false;
    std::int64_t new_mtime = 0;  ///< before it was read; 0 when it is too fresh to rely on
    std::int64_t cur_mtime = 0;
};

constexpr std::string_view place_name(index::Entry::Place place) {
    return place == index::Entry::in_new ? "new" : "cur";
}

/// Modification time in nanoseconds; 0 when the directory cannot be read.
std::int64_t directory_mtime(const std::string& dir, index::Entry::Place place);

/// Adds the files of one directory.  Names that start with a dot are not messages.
Result<void> list_directory(const std::string& dir, index::Entry::Place place, Listing& listing);

}  // namespace facteur::store::maildir
