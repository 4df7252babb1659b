#pragma once

#include <string>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/event/scope.h"
#include "lib/event/task.h"

namespace facteur::authd {

/// Asks PAM, outside of this process: PAM's modules want root and every system call, so a helper
/// is forked before authd gives up its privileges.  It knows one request (service, user,
/// password) and one answer, and forks again for each: a module that hangs, leaks or crashes
/// takes nothing with it.
class Pam {
public:
    /// Forks the helper; call it before threads and the sandbox.
    Pam();
    Pam(const Pam&) = delete;
    Pam& operator=(const Pam&) = delete;

    /// Did PAM authenticate the user, and is the account valid?
    Task<Result<bool>> check(Scope& scope, std::string service, std::string user,
                             std::string password, std::string client_address) const;

private:
    Fd helper_;
};

}  // namespace facteur::authd
