#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/table/address_keys.h"
#include "lib/table/tables.h"

namespace facteur::table {

/// A value, and by which question it was found.
struct Hit {
    std::string value;
    Key key;
    const Dictionary* table = nullptr;
};

/// The tables of one parameter (`virtual_alias_maps = hash:/a, pcre:/b`), asked in order.
class Maps {
public:
    Maps(Tables& tables, const std::vector<std::string>& names);
    bool empty() const { return tables_.empty(); }

    /// The first table that knows the key.  The first that fails ends the search: what stands
    /// behind it might not be meant.
    Task<Found> find(std::string key) const;
    /// All tables for the first question, then all for the second, and so on; pattern tables are
    /// asked only whole keys.
    Task<Result<std::optional<Hit>>> search(std::vector<Key> keys) const;

private:
    std::vector<Dictionary*> tables_;  ///< owned by Tables
};

}  // namespace facteur::table
