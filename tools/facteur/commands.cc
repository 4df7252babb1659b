#include "tools/facteur/commands.h"

namespace facteur::tool {
namespace {

using Add = void (*)(Command&, Context&);
constexpr Add kCommands[] = {
    add_init,  add_start, add_stop,    add_reload, add_status,  add_check,   add_conf,
    add_table, add_user,  add_mailbox, add_queue,  add_address, add_explain, add_probe,
};

}  // namespace

void add_commands(Command& app, Context& context) {
    for (Add add : kCommands)
        add(app, context);
}

}  // namespace facteur::tool
