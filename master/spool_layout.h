#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/result.h"
#include "master/settings.h"

namespace facteur::master {

/// One folder of the queue directory: who owns it and who may enter.
struct Folder {
    std::string path;   ///< relative to the queue directory; "." is itself
    std::string owner;  ///< user name; empty: root
    std::string group;  ///< empty: the owner's, or root's
    mode_t mode;
};

/// The table of folders, also for `facteur check`.
std::vector<Folder> spool_folders(const Settings& settings);

/// Makes what is missing and repairs owners and modes, below the current directory.  Owners are
/// left alone when this process is not root.
Result<void> make_spool(const Settings& settings);

}  // namespace facteur::master
