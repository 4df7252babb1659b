#include "tools/facteur/system_users.h"

#include <cstring>

#include <grp.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace facteur::tool {
namespace {

constexpr const char* kDropGroup = "facteur-drop";  // setgid_group's default

Result<void> run(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t pid = -1;
    if (int error = ::posix_spawn(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ))
        return permanent(words[0] + ": " + std::strerror(error));
    int status = 0;
    ::waitpid(pid, &status, 0);
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
