#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/table/network.h"
#include "lib/table/tables.h"

namespace facteur::table {

/// A list of patterns as mynetworks, mydestination and relay_domains have it: names or networks,
/// `/file/name` (whose lines are patterns), `type:table`, each with `!` to except it.  The first
/// that matches decides.
class MatchList {
public:
    /// parents_match: "example.com" also matches host.example.com; else ".example.com" does.
    MatchList(Tables& tables, const std::vector<std::string>& patterns, bool parents_match);
    bool empty() const { return items_.empty(); }

    Task<Result<bool>> matches_name(std::string name) const;
    /// Only the name itself, never a parent of it; tables are asked for it alone.
    Task<Result<bool>> matches_exact(std::string name) const;
    /// The same for programs without a loop.
    Result<bool> find_exact(const std::string& name) const;
    /// ip without brackets.
    Task<Result<bool>> matches_address(std::string ip) const;

private:
    struct Item {
        bool negated = false;
        std::string name;     ///< lower case; empty for the other kinds
        std::string literal;  ///< an address or network as written
        std::optional<Network> network;
        Dictionary* table = nullptr;  ///< owned by Tables
        std::string failure;          ///< why it cannot be used
    };
    void add(Tables& tables, std::string_view pattern, int depth);
    void add_file(Tables& tables, const std::string& path, int depth);
    bool name_matches(const std::string& pattern, const std::string& name) const;

    std::vector<Item> items_;
    bool parents_match_;
};

}  // namespace facteur::table
