// start, stop and reload.
#include <cstdio>
#include <memory>

#include "lib/base/text.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/spawn.h"

namespace facteur::tool {
namespace {

int start(const std::string& directory, bool foreground) {
    auto instance = Instance::open(directory);
    if (!instance) return complain(instance.error().text);
    if (has_errors(directory)) return complain("not started");
    std::vector<std::string> words{find_program("master"), "-c", instance->directory};
    if (foreground) words.emplace_back("-f");
    auto status = run_program(std::move(words));
    return status ? *status : complain(status.error().text);
}

int stop(const std::string& directory) {
    auto instance = Instance::open(directory);
    if (!instance) return complain(instance.error().text);
    auto stopped = stop_master(*instance);
    return stopped ? 0 : complain(stopped.error().text);
}

int reload(const std::string& directory) {
    auto instance = Instance::open(directory);
    if (!instance) return complain(instance.error().text);
    if (has_errors(directory)) return complain("not reloaded, the old configuration goes on");
    auto answer = ask_master(*instance, "reload");
    if (!answer) return complain(answer.error().text);
    if (answer->empty()) return 0;
    return complain("not reloaded, the old configuration goes on:\n" + *answer);
}

}  // namespace

void add_start(Command& app, Context& context) {
    Command& command = app.add_subcommand("start", "Start the mail system; returns when it is up");
    auto foreground = std::make_shared<bool>(false);  // lives as long as the callback
    command.add_flag("-f,--foreground", *foreground, "Stay, until stopped or interrupted");
    command.callback([=, &context] { context.status = start(context.directory, *foreground); });
}

void add_stop(Command& app, Context& context) {
    Command& command =
        app.add_subcommand("stop", "Stop the mail system in order; waits for the end");
    command.callback([&] { context.status = stop(context.directory); });
}

void add_reload(Command& app, Context& context) {
    Command& command =
        app.add_subcommand("reload", "Read the configuration again, without dropping a connection");
    command.callback([&] { context.status = reload(context.directory); });
}

}  // namespace facteur::tool
