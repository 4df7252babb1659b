#pragma once

#include <string>
#include <vector>

#include "lib/base/result.h"

namespace facteur::sandbox {

/// Who and where a process is to be.
struct Identity {
    std::string user;               ///< empty: stays who it is
    std::string group;              ///< one more group, for private/; may be empty
    std::string directory;          ///< becomes the working directory
    bool chroot = false;            ///< and the root directory
    std::vector<int> capabilities;  ///< CAP_* numbers kept in spite of setuid
};

/// chdir, initgroups, chroot, setgid, setuid, in that order.  A process that is not root only
/// changes its directory: everything then runs as the one user who started it.
Result<void> become(const Identity& identity);

}  // namespace facteur::sandbox
