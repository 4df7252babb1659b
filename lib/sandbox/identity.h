#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

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

/// For good this user and no other, with the groups that the system knows for it and without any
/// capability; no user has to be known by that number.  Never root or group 0.  Needs CAP_SETUID
/// and CAP_SETGID.
Result<void> become_owner(uid_t uid, gid_t gid);

}  // namespace facteur::sandbox
