#pragma once

#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/sandbox/privileges.h"

namespace facteur::sandbox {

/// Whom a process becomes; nothing happens unless it is root.
struct Identity {
    std::string user;    ///< empty: stays who it is
    std::string group;   ///< a supplementary group, for private/; may be empty
    std::string chroot;  ///< empty: none
};

/// setgid, initgroups, chroot, setuid in that order, keeping `capabilities`.  As an ordinary user
/// only changes the working directory to identity.chroot.
Result<void> become(const Identity& identity, const std::vector<int>& capabilities);

/// What the running kernel enforces.
struct Kernel {
    int landlock_abi = 0;  ///< 0: it has no Landlock, or it is switched off
    bool seccomp = false;
};
Kernel probe();

/// The paths that a Landlock rule set was made of, opened before chroot(2) hides them.
class Rules {
public:
    explicit Rules(const Privileges& privileges, const Kernel& kernel);
    ~Rules();
    Rules(const Rules&) = delete;
    Rules& operator=(const Rules&) = delete;

    /// Locks this thread and all that it makes: no_new_privs, Landlock, seccomp.  What the kernel
    /// lacks is left out and named in the answer, for one line in the log.
    Result<std::vector<std::string>> enforce() const;

private:
    void allow(const std::string& path, unsigned long long access);

    Privileges privileges_;
    Kernel kernel_;
    int ruleset_ = -1;
};

}  // namespace facteur::sandbox
