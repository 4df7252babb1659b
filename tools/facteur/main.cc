/*++
NAME
    facteur - run and look after a mail system

SYNOPSIS
    facteur [-c directory] command [argument ...]

DESCRIPTION
    One program for everything that an administrator does with Facteur.

    init DIR
        Makes a complete instance in a folder: configuration, spool, mail, certificate, users.
        Its ports are --port-base plus the protocol's own number, on 127.0.0.1.
    start, stop, reload, status
        Run the mail system. start returns when all services accept connections; reload replaces
        the daemons without losing a connection; stop waits for the end.
    check
        Reads the whole configuration and says, line by line, what is wrong and what to write
        instead.
    user add|passwd|delete|list
        The users of the first passwd-file of auth_passdb. A password is asked for at the terminal
        or read from standard input, and stored under --scheme (ARGON2ID). Comments and the order
        of the file stay; deleting a user leaves the mail. list --json prints an array.

    queue list|show|flush|hold|release|requeue|delete|expire
        The mail queue: list prints what mailq(1) prints, or --json; show prints envelope,
        history, header and body; flush tries again now what waits (all, an id, or --site); the
        others take queue ids, - for ids on standard input, or ALL.

    -c directory
        Where main.cf and master.cf are; the default is $MAIL_CONFIG, else /etc/facteur.

DIAGNOSTICS
    The exit status is 0 when the work was done, 1 when it was not, and that of the parser
    of options (above 100) when the command could not be understood.

ENVIRONMENT
    MAIL_CONFIG
        As -c.

SEE ALSO
    master(8), main.cf(5), master.cf(5)
--*/
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "lib/base/log.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/names.h"

int main(int argc, char** argv) {
    facteur::Log::set_tag("facteur");
    if (const auto* name = facteur::tool::called_by(argv[0])) return name->main(argc, argv);
    if (argc == 2 && std::string_view(argv[1]) == "--names") {
        for (const auto& name : facteur::tool::names())
            std::cout << name.folder << "/" << name.name << "\n";
        return 0;
    }
    facteur::tool::Context context;
    const char* from_environment = std::getenv("MAIL_CONFIG");
    context.directory = from_environment ? from_environment : "/etc/facteur";
    facteur::tool::CommandLine line("Facteur, a complete mail system");
    facteur::tool::Command& app = line.command();
    app.add_option("-c", context.directory, "Folder with main.cf and master.cf")
        .type_name("DIR")
        .capture_default_str();
    app.require_subcommand();
    facteur::tool::add_commands(app, context);
    if (auto status = line.parse(argc, argv)) return *status;
    return context.status;
}
