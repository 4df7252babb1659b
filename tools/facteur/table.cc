/*++
NAME
    facteur-table - make and query lookup tables

SYNOPSIS
    facteur [-c directory] table query TABLE KEY ...
    facteur [-c directory] table list TABLE
    facteur [-c directory] table make [--aliases] [TYPE:]FILE ...
    postmap [options] [TYPE:]FILE ...
    postalias [options] [TYPE:]FILE ...
    newaliases

DESCRIPTION
    query
        Prints what a table of any type says for each key, and ends with status 1 when it knows
        none of them.
    list
        Prints all keys and values of a hash:, btree: or lmdb: table.
    make
        Makes FILE.db (hash:, btree:) or FILE.lmdb (lmdb:) of the text in FILE, which has lines of
        the form "key value", or "name: value, value" with --aliases.  The new database takes the
        place of the old one in one step, so that readers never see half of it.

    postmap, postalias and newaliases take Postfix's options:

    -q key  Query; with -q -, the keys come from standard input, one a line.
    -s      List.
    -d key  Remove a key; with -d -, the keys come from standard input.
    -i      Add entries from standard input to the database that is there.
    -r      Accepted: with -i, later entries replace earlier ones in any case.
    -w      Do not warn about duplicate keys.
    -c dir  Where main.cf is.
    -f, -N, -n, -o, -p, -u, -v
            Accepted, without effect.

    newaliases makes the databases of all files in $alias_database.

DIAGNOSTICS
    Lines that cannot be read are reported with file and line, and left out.

SEE ALSO
    main.cf(5), facteur(1), addressd(8)
--*/
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/table/make.h"
#include "lib/table/tables.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/names.h"

namespace facteur::tool {
namespace {

using table::Format;

struct Wishes {
    std::vector<std::string> files;
    std::vector<std::string> keys;
    std::string query, remove;
    bool list = false, add = false, aliases = false, quiet = false;
};

/// "hash:/etc/aliases" as Postfix's tools take it; without type it has the default type.
struct Named {
    std::string type;
    std::string name;
    std::string whole() const { return type + ":" + name; }
};

Named named(const std::string& directory, const std::string& file) {
    const auto colon = file.find(':');
    if (colon != std::string::npos) return Named{file.substr(0, colon), file.substr(colon + 1)};
    std::string type = "hash";
    if (auto instance = Instance::open(directory))
        type = instance->settings->default_database_type();
    return Named{std::move(type), file};
}

Result<Format> format_of(const Named& table) {
    if (table.type == "hash") return Format::hash;
    if (table.type == "btree") return Format::btree;
    if (table.type == "lmdb") return Format::lmdb;
    return permanent(table.whole() +
                     ": only hash:, btree: and lmdb: have a database; others need nothing made");
}

std::string standard_input() {
    return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

std::vector<std::string> input_lines() {
    std::vector<std::string> lines;
    for (std::string line; std::getline(std::cin, line);)
        lines.push_back(line);
    return lines;
}

table::Source parse(std::string_view text, const std::string& file, const Wishes& wishes) {
    table::Source source =
        wishes.aliases ? table::parse_aliases(text, file) : table::parse_map(text, file);
    for (const auto& problem : source.problems)
        log_warning(problem.where_and_what());
    return source;
}

void print_pair(const std::string& key, const std::string& value, bool aliases) {
    std::printf("%s%s\t%s\n", key.c_str(), aliases ? ":" : "", value.c_str());
}

Result<int> query(const Named& table, const std::vector<std::string>& keys, bool with_keys,
                  bool aliases) {
    table::Tables tables((table::Surroundings()));
    int status = 1;
    for (const std::string& key : keys) {
        TRY(auto value, tables.get(table.whole()).find(key));
        if (!value) continue;
        status = 0;
        if (with_keys) {
            print_pair(key, *value, aliases);
        } else {
            std::printf("%s\n", value->c_str());
        }
    }
    return status;
}

Result<int> list(const Named& table, bool aliases) {
    TRY(Format format, format_of(table));
    TRY(auto entries, table::list_database(format, table.name));
    for (const auto& entry : entries)
        print_pair(entry.key, entry.value, aliases);
    return 0;
}

Result<int> make(const Named& table, const Wishes& wishes) {
    TRY(Format format, format_of(table));
    TRY(std::string text, read_file(table.name));
    const table::Source source = parse(text, table.name, wishes);
    TRY(auto made, table::make_database(format, table.name, source.entries, wishes.aliases));
    for (const std::string& key : made.duplicates) {
        if (!wishes.quiet)
            log_warning(table::database_path(format, table.name) + ": duplicate entry: \"" + key +
                        "\"");
    }
    return 0;
}

Result<int> add(const Named& table, const Wishes& wishes) {
    TRY(Format format, format_of(table));
    const table::Source source = parse(standard_input(), "stdin", wishes);
    TRY(auto replaced, table::change_database(format, table.name, source.entries, {}));
    (void)replaced;
    return 0;
}

Result<int> remove(const Named& table, const std::vector<std::string>& keys) {
    TRY(Format format, format_of(table));
    TRY(auto removed, table::change_database(format, table.name, {}, keys));
    return removed > 0 ? 0 : 1;
}

Result<int> work_on(const Named& table, const Wishes& wishes) {
    if (!wishes.keys.empty())
        return query(table, wishes.keys, wishes.keys.size() > 1, wishes.aliases);
    if (wishes.query == "-") return query(table, input_lines(), true, wishes.aliases);
    if (!wishes.query.empty()) return query(table, {wishes.query}, false, wishes.aliases);
    if (wishes.remove == "-") return remove(table, input_lines());
    if (!wishes.remove.empty()) return remove(table, {wishes.remove});
    if (wishes.list) return list(table, wishes.aliases);
    if (wishes.add) return add(table, wishes);
    return make(table, wishes);
}

// A query ends with the first table that knows the key; everything else is done for all files.
int run(const std::string& directory, const Wishes& wishes) {
    const bool asks = !wishes.query.empty() || !wishes.remove.empty() || !wishes.keys.empty();
    int status = asks ? 1 : 0;
    for (const std::string& file : wishes.files) {
        auto done = work_on(named(directory, file), wishes);
        if (!done) return complain(done.error().text);
        if (asks && *done == 0 && wishes.query != "-") return 0;
        status = asks ? std::min(status, *done) : std::max(status, *done);
    }
    return status;
}

int table_main(int argc, char** argv, bool aliases) {
    const char* from_environment = std::getenv("MAIL_CONFIG");
    std::string directory = from_environment ? from_environment : "/etc/facteur";
    Wishes wishes;
    wishes.aliases = aliases;
    CommandLine line(aliases ? "Make and query alias databases" : "Make and query lookup tables");
    Command& app = line.command();
    app.add_option("-c", directory, "Folder with main.cf");
    app.add_option("-q", wishes.query, "Query a key; -: keys from standard input");
    app.add_option("-d", wishes.remove, "Remove a key; -: keys from standard input");
    app.add_flag("-s", wishes.list, "List");
    app.add_flag("-i", wishes.add, "Add entries from standard input");
    app.add_flag("-w", wishes.quiet, "No warning about duplicate keys");
    app.add_flag("-f,-N,-n,-o,-p,-r,-u,-v");
    app.add_option("files", wishes.files, "[TYPE:]FILE").required();
    if (auto status = line.parse(argc, argv)) return *status;
    return run(directory, wishes);
}

}  // namespace

void add_table(Command& app, Context& context) {
    Command& command = app.add_subcommand("table", "Make and query lookup tables (postmap)");
    command.require_subcommand();
    auto wishes = std::make_shared<Wishes>();  // shared by the option parser and the callbacks
    wishes->files.resize(1);
    auto work = [&context, wishes] { context.status = run(context.directory, *wishes); };

    Command& query = command.add_subcommand("query", "What a table says for keys");
    query.add_option("table", wishes->files.front(), "TYPE:NAME").required();
    query.add_option("key", wishes->keys, "Keys").required();
    query.callback(work);

    Command& list = command.add_subcommand("list", "All keys and values of a database");
    list.add_option("table", wishes->files.front(), "TYPE:FILE").required();
    list.callback([work, wishes] {
        wishes->list = true;
        work();
    });

    Command& make = command.add_subcommand("make", "Make databases of text files");
    make.add_flag("--aliases", wishes->aliases, "The files have the form of aliases(5)");
    auto files = std::make_shared<std::vector<std::string>>();  // likewise
    make.add_option("file", *files, "[TYPE:]FILE").required();
    make.callback([work, wishes, files] {
        wishes->files = *files;
        work();
    });
}

int postmap_main(int argc, char** argv) {
    return table_main(argc, argv, false);
}

int postalias_main(int argc, char** argv) {
    return table_main(argc, argv, true);
}

int newaliases_main(int argc, char** argv) {
    const char* from_environment = std::getenv("MAIL_CONFIG");
    std::string directory = from_environment ? from_environment : "/etc/facteur";
    CommandLine line("Make the alias databases of $alias_database");
    Command& app = line.command();
    app.add_option("-c,-C", directory, "Folder with main.cf");
    if (auto status = line.parse(argc, argv)) return *status;
    auto instance = Instance::open(directory);
    if (!instance) return complain(instance.error().text);
    Wishes wishes;
    wishes.aliases = true;
    wishes.files = instance->settings->alias_database();
    return run(directory, wishes);
}

}  // namespace facteur::tool
