// Tries a delivery without a message.
#include <cstdlib>
#include <memory>

#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/spawn.h"

namespace facteur::tool {
namespace {

int probe(const std::string& directory, const std::string& what, bool json) {
    auto instance = Instance::open(directory);
    if (!instance) return complain(instance.error().text);
    ::setenv("MAIL_CONFIG", instance->directory.c_str(), 1);
    std::vector<std::string> words{find_program("smtp-client"), "--probe", what};
    if (json) words.emplace_back("--json");
    auto status = run_program(std::move(words));
    return status ? *status : complain(status.error().text);
}

}  // namespace

void add_probe(Command& app, Context& context) {
    Command& command = app.add_subcommand(
        "probe", "Try a delivery up to RCPT; tell what DNS, TLS, DANE and MTA-STS gave");
    auto what = std::make_shared<std::string>();  // these live as long as the callback
    auto json = std::make_shared<bool>(false);
    command.add_option("DOMAIN|ADDRESS", *what, "Where mail would go").required();
    command.add_flag("--json", *json, "Print JSON");
    command.callback([=, &context] { context.status = probe(context.directory, *what, *json); });
}

}  // namespace facteur::tool
