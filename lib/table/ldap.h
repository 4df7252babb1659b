#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/table/dictionary.h"
#include "lib/table/expansion.h"
#include "lib/table/module.h"

namespace facteur::table {

/// What ldap_table(5) lets a table say about a search and its results.
struct LdapRules {
    std::string scope = "sub";
    std::vector<std::string> results;    ///< result_attribute
    std::vector<std::string> terminals;  ///< terminal_result_attribute
    std::vector<std::string> leaves;     ///< leaf_result_attribute
    std::vector<std::string> specials;   ///< special_result_attribute
    std::size_t recursion_limit = 1000;
    std::size_t expansion_limit = 0;
    int size_limit = 0;
    Expansion expansion;  ///< query 0: search_base, 1: query_filter

    /// All of them, each once.
    std::vector<std::string> attributes() const;
};

/// One lookup in a directory: the search, and those that its results ask for.
class LdapLookup {
public:
    LdapLookup(const LdapRules& rules, Directory& directory)
        : rules_(rules), directory_(directory) {}
    Found find(const std::string& key);

private:
    /// depth: searches that led here.
    Result<void> run(const DirectorySearch& search, std::size_t depth);
    Result<void> take(const DirectoryEntry& entry, std::size_t depth);
    Result<void> add_values(const std::vector<std::string>& values);
    Result<void> follow(const std::vector<std::string>& values, std::size_t depth);
    DirectorySearch search_of(const std::string& value) const;

    const LdapRules& rules_;
    Directory& directory_;
    std::string key_;
    std::string result_;
    std::size_t expansion_ = 0;
    std::size_t searches_ = 0;
};

}  // namespace facteur::table
