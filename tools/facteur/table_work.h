#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/table/make.h"
#include "lib/table/tables.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/message_keys.h"

namespace facteur::tool {

/// What the options of postmap and of `facteur table` ask for.
struct TableWishes {
    std::vector<std::string> files;
    std::vector<std::string> keys;
    std::string query, remove;
    bool list = false, add = false, check = false;
    bool quiet = false;  ///< -w
    bool as_is = false;  ///< -f
    bool files_in_values = false;
    bool no_utf8 = false;          ///< -u
    bool utf8_in_message = false;  ///< -U
    bool with_nul = false, without_nul = false, own_mode = false, stay_root = false;
    MessageParts message;
    table::MakeWishes make;

    bool asks() const { return !query.empty() || !keys.empty(); }
    void settle() {
        using Nul = table::MakeWishes::Nul;
        make.fold = !as_is;
        make.inherit_mode = !own_mode;
        make.incremental = add;
        if (with_nul) make.nul = Nul::with;
        if (without_nul) make.nul = Nul::without;
    }
};

/// "hash:/etc/aliases" as Postfix's tools take it; without type it has the default type.
struct NamedTable {
    std::string type;
    std::string name;
    std::string whole() const { return type + ":" + name; }
};

/// What all tables of one call share.
class TableWork {
public:
    TableWork(const std::string& directory, TableWishes wishes);
    /// The exit status.
    int run();

private:
    table::Surroundings surroundings();
    NamedTable named(const std::string& file) const;
    Result<int> work_on(const NamedTable& table);
    Result<int> query_all(const std::vector<NamedTable>& tables);
    Result<bool> query(const std::vector<NamedTable>& tables, const std::string& key,
                       bool with_key);
    Result<int> list(const NamedTable& table);
    Result<int> build(const NamedTable& table);
    Result<int> remove(const NamedTable& table);
    Result<int> check(const NamedTable& table);
    Result<int> check_text(const NamedTable& table);
    table::Source parse(std::string_view text, const std::string& file) const;
    bool wants_utf8() const;
    void drop_what_is_not_utf8(table::Source& source, const std::string& file) const;
    Result<std::string> shown(const std::string& value) const;
    Result<void> read_values(table::Source& source) const;
    void print_pair(const std::string& key, const std::string& value) const;
    void become_owner(const std::string& file) const;

    TableWishes wishes_;
    std::optional<Instance> instance_;
    std::unique_ptr<table::Tables> tables_;
};

}  // namespace facteur::tool
