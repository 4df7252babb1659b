#include "tools/facteur/system_users.h"

#include <grp.h>
#include <pwd.h>

#include "tools/facteur/spawn.h"

namespace facteur::tool {
namespace {

constexpr const char* kDropGroup = "facteur-drop";  // setgid_group's default

Result<void> run(const std::vector<std::string>& words) {
    TRY(int status, run_program(words));
    if (status != 0) return permanent(words[0] + " " + words.back() + " failed");
    return {};
}

}  // namespace

MissingAccounts missing_accounts(const daemon::Settings& settings) {
    using daemon::Owner;
    MissingAccounts missing;
    for (Owner owner : {Owner::smtp, Owner::queue, Owner::store, Owner::login, Owner::lookup,
                        Owner::auth, Owner::policy}) {
        std::string name = daemon::owner_name(settings, owner);
        if (!::getpwnam(name.c_str())) missing.users.push_back(std::move(name));
    }
    for (const std::string& name : {settings.private_group(), std::string(kDropGroup)})
        if (!::getgrnam(name.c_str())) missing.groups.push_back(name);
    return missing;
}

Result<void> make_accounts(const MissingAccounts& missing) {
    for (const std::string& group : missing.groups) {
        TRY_VOID(run({"/usr/sbin/groupadd", "--system", group}));
    }
    for (const std::string& user : missing.users) {
        TRY_VOID(run({"/usr/sbin/useradd", "--system", "--user-group", "--no-create-home",
                      "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", user}));
    }
    return {};
}

}  // namespace facteur::tool
