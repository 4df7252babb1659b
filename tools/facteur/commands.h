#pragma once

#include <string>

namespace CLI {
class App;
}

namespace facteur::tool {

/// What all subcommands share.
struct Context {
    std::string directory;  ///< -c: where main.cf is
    int status = 0;         ///< the exit status; a subcommand's callback sets it
};

// Each adds its subcommand (and its own subcommands) with a callback that does the work.
// One file each; the table that calls them is in commands.cc.
void add_init(CLI::App& app, Context& context);
void add_start(CLI::App& app, Context& context);
void add_stop(CLI::App& app, Context& context);
void add_reload(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_check(CLI::App& app, Context& context);
void add_conf(CLI::App& app, Context& context);
void add_table(CLI::App& app, Context& context);
void add_user(CLI::App& app, Context& context);
void add_queue(CLI::App& app, Context& context);
void add_address(CLI::App& app, Context& context);

/// Adds all of them, in the order of the help text.
void add_commands(CLI::App& app, Context& context);

/// What the names share: mailq, also as `sendmail -bp`, and `sendmail -q`; exit statuses.
int list_queue(const std::string& directory);
int flush_queue(const std::string& directory);
/// $MAIL_CONFIG, else /etc/facteur.
std::string directory_from_environment();

}  // namespace facteur::tool
