#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lib/table/database.h"
#include "lib/table/key_values.h"

namespace facteur::table {

struct MakeResult {
    std::size_t entries = 0;
    std::vector<std::string> duplicates;  ///< left out: the first of equal keys wins
};

/// Makes `name`.db or .lmdb from entries, as postmap(1) stores them (keys in lower case, a NUL
/// behind key and value).  The new file takes the place of the old one by rename(2), flushed, so
/// that readers see the one or the other; it gets the owner and mode of the source file.
/// aliases: adds the "@" record of Sendmail's and Postfix's newaliases.
Result<MakeResult> make_database(Format format, const std::string& name,
                                 const std::vector<Entry>& entries, bool aliases);

/// Writes entries over those that the database has, or takes keys out of it (postmap -i, -d), by
/// making a new file likewise.  The number tells how many keys to remove were there.
Result<std::size_t> change_database(Format format, const std::string& name,
                                    const std::vector<Entry>& put,
                                    const std::vector<std::string>& remove);

/// All records, without their NULs, in the order of the file.
Result<std::vector<Entry>> list_database(Format format, const std::string& name);

}  // namespace facteur::table
