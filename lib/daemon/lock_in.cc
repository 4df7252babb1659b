#include "lib/daemon/lock_in.h"

#include <ctime>

#include "lib/base/log.h"
#include "lib/config/load.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/options.h"
#include "lib/daemon/paths.h"
#include "lib/daemon/settings.h"
#include "lib/sandbox/sandbox.h"

namespace facteur::daemon {
namespace {

/// Expands with the first section that knows the name.
std::string expand(const Description& description, const conf::MainCf& main_cf,
                   std::string_view text) {
    conf::Params params;
    for (const conf::Section* section : description.sections)
        params.insert(params.end(), section->params.begin(), section->params.end());
    auto expanded = conf::Values(main_cf, params).expand(text);
    return expanded ? *expanded : std::string();
}

sandbox::Sandbox prepare(const sandbox::Privileges& privileges, const Settings& settings) {
    ::tzset();  // reads /etc/localtime
    sandbox::Kernel kernel = settings.sandbox() ? sandbox::probe() : sandbox::Kernel();
    return sandbox::Sandbox(privileges, kernel);
}

void lock(const sandbox::Sandbox& sandbox, const Settings& settings) {
    if (!settings.sandbox()) return;
    auto missing = sandbox.lock();
    if (!missing) log_fatal("sandbox: " + missing.error().text);
}

}  // namespace

sandbox::Privileges plain(const sandbox::Privileges& table, const Description& description,
                          const conf::MainCf& main_cf, const Options& options) {
    sandbox::Privileges privileges = table;
    auto expander = [&](std::string_view text) { return expand(description, main_cf, text); };
    for (auto* list : {&privileges.readable, &privileges.writable, &privileges.executable}) {
        std::vector<std::string> paths;
        for (const std::string& entry : *list)
            for (std::string& path : paths_of(entry, expander))
                paths.push_back(std::move(path));
        *list = std::move(paths);
    }
    if (!options.privileged) privileges.capabilities.clear();
    return privileges;
}

sandbox::Identity identity_of(const Description& description, const Settings& settings,
                              const Options& options, const sandbox::Privileges& privileges) {
    sandbox::Identity self;
    self.user = owner_name(settings, description.owner);
    self.group = settings.private_group();
    self.chroot = options.chroot;
    self.capabilities = privileges.capabilities;
    return self;
}

/// The order matters: paths are opened before chroot(2) hides them, and the filter comes last
/// because it forbids what came before.
void lock_in(const sandbox::Privileges& privileges, const sandbox::Identity& identity,
             const Settings& settings) {
    sandbox::Sandbox sandbox = prepare(privileges, settings);
    auto became = sandbox::become(identity);
    if (!became) log_fatal(became.error().text);
    lock(sandbox, settings);
}

void lock_in(const sandbox::Privileges& privileges, const Settings& settings) {
    lock(prepare(privileges, settings), settings);
}

}  // namespace facteur::daemon
