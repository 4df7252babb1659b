#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/sandbox/privileges.h"

namespace facteur::sandbox {

/// What the running kernel can enforce.
struct Kernel {
    int landlock_abi = 0;  ///< 0: it has no Landlock, or it is switched off
    bool seccomp = false;
};
Kernel probe();

/// The locks of one process.  Made while its paths can still be seen, closed once it has become
/// who it shall be.
class Sandbox {
public:
    /// The paths in `privileges` are plain by now: no "$parameter" is left in them.
    Sandbox(const Privileges& privileges, const Kernel& kernel);

    /// no_new_privs, Landlock, seccomp; for this thread and all that it makes later.  What the
    /// kernel lacks is left out and named in the answer, for one line in the log.
    Result<std::vector<std::string>> lock() const;

private:
    void allow(const std::string& path, std::uint64_t access);

    Privileges privileges_;
    Kernel kernel_;
    Fd ruleset_;
};

/// The seccomp filter alone: the common list of system calls, the ones in privileges.system_calls,
/// sockets by privileges.network, exec only when privileges.executable names something.
/// Everything else fails with EPERM and is written to the kernel's audit log.
Result<void> filter_system_calls(const Privileges& privileges);

}  // namespace facteur::sandbox
