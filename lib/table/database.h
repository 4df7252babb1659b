#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/table/dictionary.h"
#include "lib/table/stamp.h"

namespace facteur {
class Scope;
}

namespace facteur::table {

/// An open database file, read only.
class Database {
public:
    virtual ~Database() = default;
    /// The bytes stored under exactly these bytes.
    virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
    /// Calls found(key, value) for every record.
    virtual Result<void> each(
        const std::function<void(std::string_view, std::string_view)>& found) = 0;
    virtual int fd() const = 0;
};

/// Writes a new database file.
class DatabaseWriter {
public:
    virtual ~DatabaseWriter() = default;
    virtual Result<void> put(std::string_view key, std::string_view value) = 0;
    /// Flushed and closed; before that nothing is promised.
    virtual Result<void> finish() = 0;
};

enum class Format { hash, btree, lmdb, cdb };
/// "hash", "btree", "lmdb", "cdb".
std::optional<Format> format_named(std::string_view type);
/// The file of the table `name`: "aliases.db", "aliases.lmdb", "aliases.cdb".
std::string database_path(Format format, const std::string& name);
Result<std::unique_ptr<Database>> open_database(Format format, const std::string& path);
Result<std::unique_ptr<DatabaseWriter>> create_database(Format format, const std::string& path);

/// hash:, btree:, lmdb: and cdb:, as postmap(1) makes them, of Postfix or ours.  Keys are searched
/// with and without the NUL that Postfix puts behind them.  A writer that works in place holds an
/// exclusive flock(2), so each lookup takes a shared one; a file that was replaced or changed is
/// opened anew.
class DatabaseTable : public Dictionary {
public:
    DatabaseTable(std::string name, Format format, std::string path, Scope* scope, bool fold = true)
        : Dictionary(std::move(name)),
          format_(format),
          path_(std::move(path)),
          scope_(scope),
          fold_(fold) {}
    Found find(std::string_view key) override;
    /// Waits while a writer holds the file.
    Task<Found> lookup(std::string key) override;

private:
    enum class Held { yes, busy };
    Result<Held> hold();
    Found find_held(std::string_view key);

    Format format_;
    std::string path_;
    Scope* scope_;
    bool fold_;  ///< keys to lower case
    std::unique_ptr<Database> database_;
    std::optional<Stamp> stamp_;
    bool trailing_nul_ = true;
    bool plain_ = true;
};

}  // namespace facteur::table
