#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lib/table/database.h"
#include "lib/table/key_values.h"

namespace facteur::table {

/// How postmap(1) and its options want a database.
struct MakeWishes {
    bool aliases = false;  ///< adds the "@" record of Sendmail's and Postfix's newaliases
    bool fold = true;      ///< keys in lower case
    enum class Nul { usual, with, without } nul = Nul::usual;  ///< behind key and value
    bool replace = false;      ///< of equal keys the last wins, not the first
    bool inherit_mode = true;  ///< owner and mode of the source file; else 0644
    bool incremental = false;  ///< what the database has stays
};
struct MakeResult {
    std::size_t entries = 0;
    std::vector<std::string> duplicates;  ///< left out, or replaced what was there
};

/// Makes `name`.db, .lmdb or .cdb from entries, as postmap(1) stores them.  The new file takes the
/// place of the old one by rename(2), flushed, so that readers see the one or the other; also when
/// entries are only added.
Result<MakeResult> make_database(Format format, const std::string& name,
                                 const std::vector<Entry>& entries, const MakeWishes& wishes = {});

/// Takes keys out of the database.  The number tells how many of them were there.
Result<std::size_t> remove_from_database(Format format, const std::string& name,
                                         const std::vector<std::string>& keys,
                                         const MakeWishes& wishes = {});

/// All records, without their NULs, in the order of the file.
Result<std::vector<Entry>> list_database(Format format, const std::string& name);

}  // namespace facteur::table
