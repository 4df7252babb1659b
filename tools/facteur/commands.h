#pragma once

#include <string>

namespace facteur::tool {

class Command;

/// What all subcommands share.
struct Context {
    std::string directory;  ///< -c: where main.cf is
    int status = 0;         ///< the exit status; a subcommand's callback sets it
};

// Each adds its subcommand (and its own subcommands) with a callback that does the work.
// One file each; the table that calls them is in commands.cc.
void add_init(Command& app, Context& context);
void add_start(Command& app, Context& context);
void add_stop(Command& app, Context& context);
void add_reload(Command& app, Context& context);
void add_status(Command& app, Context& context);
void add_check(Command& app, Context& context);
void add_conf(Command& app, Context& context);
void add_table(Command& app, Context& context);
void add_user(Command& app, Context& context);
void add_mailbox(Command& app, Context& context);
void add_queue(Command& app, Context& context);
void add_address(Command& app, Context& context);
void add_explain(Command& app, Context& context);
void add_probe(Command& app, Context& context);

/// Adds all of them, in the order of the help text.
void add_commands(Command& app, Context& context);

/// What the names share: mailq, also as `sendmail -bp`, and `sendmail -q`; exit statuses.
int list_queue(const std::string& directory);
int flush_queue(const std::string& directory);
/// $MAIL_CONFIG, else /etc/facteur.
std::string directory_from_environment();

}  // namespace facteur::tool
