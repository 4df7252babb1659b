/*++
NAME
    facteur-table - make, check and query lookup tables

SYNOPSIS
    facteur [-c directory] table query TABLE KEY ...
    facteur [-c directory] table list TABLE
    facteur [-c directory] table build [--aliases] [TYPE:]FILE ...
    facteur [-c directory] table check [--aliases] [TYPE:]NAME ...
    postmap [options] [TYPE:]FILE ...
    postalias [options] [TYPE:]FILE ...
    newaliases

DESCRIPTION
    query
        Prints what a table of any type says for each key, and ends with status 1 when it knows
        none of them.
    list
        Prints all keys and values of a hash:, btree:, lmdb: or cdb: table.
    build
        Makes FILE.db (hash:, btree:), FILE.lmdb (lmdb:) or FILE.cdb (cdb:) of the text in FILE,
        which has lines of the form "key value", or "name: value, value" with --aliases.  The new
        database takes the place of the old one in one step, so that readers never see half of it.
        make is another name for it.
    check
        Says what is wrong with a table of any type: lines that cannot be read, equal keys, a
        database that is older than its text, a server that does not answer.

    postmap, postalias and newaliases take Postfix's options:

    -q key  Query.  The first table that knows the key answers.  With -q -, the keys come from
            standard input, one a line.
    -h, -b  With -q -: standard input is a message; its header fields (-h) or body lines (-b) are
            the keys.
    -m      With -h and -b: as header_checks and body_checks see a message with MIME parts.
    -s      List.
    -d key  Remove a key; with -d -, the keys come from standard input.
    -i      Add entries from standard input to the database that is there.
    -r      Of equal keys the last one wins, without a warning.
    -w      Of equal keys the first one wins, without a warning.
    -f      Keys are not folded to lower case.
    -F      Values are names of files, whose content is stored in base64; with -q and -s it is
            decoded.
    -N, -n  With and without a NUL behind keys and values.
    -o      As root: do not become the owner of the file first.
    -p      The database does not get owner and mode of the file, but mode 0644.
    -c dir  Where main.cf is.
    -u      Keys and values need not be UTF-8, although smtputf8_enable is set.
    -U      With -h and -b they must be, too.
    -v      Accepted, without effect.

    newaliases makes the databases of all files in $alias_database.

DIAGNOSTICS
    Lines that cannot be read are reported with file and line, and left out.

SEE ALSO
    facteur-tables(5), types of tables
    main.cf(5), facteur(1), addressd(8)
--*/
#include <cstdlib>
#include <memory>

#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/names.h"
#include "tools/facteur/table_work.h"

namespace facteur::tool {
namespace {

int run(const std::string& directory, const TableWishes& wishes) {
    return TableWork(directory, wishes).run();
}

int table_main(int argc, char** argv, bool aliases) {
    const char* from_environment = std::getenv("MAIL_CONFIG");
    std::string directory = from_environment ? from_environment : "/etc/facteur";
    TableWishes wishes;
    wishes.make.aliases = aliases;
    CommandLine line(aliases ? "Make and query alias databases" : "Make and query lookup tables");
    Command& app = line.command();
    app.only_long_help();
    app.add_option("-c", directory, "Folder with main.cf");
    app.add_option("-q", wishes.query, "Query a key; -: keys from standard input");
    app.add_option("-d", wishes.remove, "Remove a key; -: keys from standard input");
    app.add_flag("-s", wishes.list, "List");
    app.add_flag("-i", wishes.add, "Add entries from standard input");
    app.add_flag("-r", wishes.make.replace, "Of equal keys the last one wins");
    app.add_flag("-w", wishes.quiet, "No warning about equal keys");
    app.add_flag("-f", wishes.as_is, "Do not fold keys to lower case");
    app.add_flag("-F", wishes.files_in_values, "Values are files, stored in base64");
    app.add_flag("-N", wishes.with_nul, "A NUL behind keys and values");
    app.add_flag("-n", wishes.without_nul, "No NUL behind keys and values");
    app.add_flag("-o", wishes.stay_root, "As root, do not become the owner of the file");
    app.add_flag("-p", wishes.own_mode, "Mode 0644, not that of the file");
    if (!aliases) {
        app.add_flag("-h", wishes.message.headers, "Keys are header fields of a message");
        app.add_flag("-b", wishes.message.body, "Keys are body lines of a message");
        app.add_flag("-m", wishes.message.mime, "With -h and -b: look into MIME parts");
    }
    app.add_flag("-u", wishes.no_utf8, "Keys and values need not be UTF-8");
    app.add_flag("-U", wishes.utf8_in_message, "With -h and -b: they must be, too");
    app.add_flag("-v");
    app.add_option("files", wishes.files, "[TYPE:]FILE").required();
    if (auto status = line.parse(argc, argv)) return *status;
    return run(directory, wishes);
}

}  // namespace

void add_table(Command& app, Context& context) {
    Command& command = app.add_subcommand("table", "Make, check and query lookup tables (postmap)");
    command.require_subcommand();
    auto wishes = std::make_shared<TableWishes>();  // shared by the option parser and the callbacks
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

    auto files = std::make_shared<std::vector<std::string>>();  // likewise
    const auto takes_files = [&](const char* name, const char* help, bool check) {
        Command& made = command.add_subcommand(name, help);
        made.add_flag("--aliases", wishes->make.aliases, "The files have the form of aliases(5)");
        made.add_option("file", *files, "[TYPE:]FILE").required();
        made.callback([work, wishes, files, check] {
            wishes->files = *files;
            wishes->check = check;
            work();
        });
    };
    takes_files("build", "Make databases of text files", false);
    takes_files("make", "The same", false);
    takes_files("check", "Say what is wrong with tables", true);
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
    TableWishes wishes;
    wishes.make.aliases = true;
    wishes.files = instance->settings->alias_database();
    return run(directory, wishes);
}

}  // namespace facteur::tool
