#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"

/// What a module (a shared object in modules/) and the programs that load it say to each other.  A
/// module knows one client library and nothing else; it includes only this header, and links none
/// of lib/.  All calls block and are made by worker threads, one at a time for one session.
namespace facteur::table {

/// The parameters of a table's file that the module understands, and nothing else.
using ModuleOptions = std::vector<std::pair<std::string, std::string>>;

inline std::string option(const ModuleOptions& options, std::string_view name) {
    for (const auto& [key, value] : options)
        if (key == name) return value;
    return {};
}

struct Place {
    std::string host;  ///< as the table's file writes it: "unix:/path", "inet:host:port", "host"
    int timeout = 10;  ///< seconds, for a connection and for each answer
};

using Row = std::vector<std::optional<std::string>>;
using Rows = std::vector<Row>;

/// A connection to an SQL or key-value server.
class Session {
public:
    virtual ~Session() = default;
    /// SQL: the text as it may stand between single quotes.
    virtual Result<std::string> quote(std::string_view text) = 0;
    /// SQL: one statement.  Redis: the words of one command.
    virtual Result<Rows> ask(const std::vector<std::string>& statement) = 0;
};

struct DirectoryEntry {
    std::string dn;
    std::vector<std::pair<std::string, std::vector<std::string>>> attributes;
};
struct DirectorySearch {
    std::string base;
    std::string scope;   ///< "sub", "one", "base"
    std::string filter;  ///< empty: every entry
    std::vector<std::string> attributes;
    int size_limit = 0;
};
/// RFC 4516: "ldap://host/dn?attributes?scope?filter", taken apart.
struct DirectoryUrl {
    DirectorySearch search;
    bool names_attributes = false;
};

/// A connection to a directory.
class Directory {
public:
    virtual ~Directory() = default;
    /// An entry that does not exist is no Error: no entries.
    virtual Result<std::vector<DirectoryEntry>> search(const DirectorySearch& wish) = 0;
    /// Nothing when the text is no LDAP URL.
    virtual std::optional<DirectoryUrl> parse_url(const std::string& text) = 0;
};

struct Module {
    static constexpr unsigned kVersion = 1;
    static constexpr const char* kSymbol = "facteur_table_module";
    unsigned version = kVersion;
    /// Names of options, separated by spaces.
    const char* options = "";
    Result<std::unique_ptr<Session>> (*connect)(const Place&, const ModuleOptions&) = nullptr;
    Result<std::unique_ptr<Directory>> (*connect_directory)(const Place&,
                                                            const ModuleOptions&) = nullptr;
};

}  // namespace facteur::table
