#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/daemon/service.h"

namespace facteur::daemon {

/// What master left in this process.
struct Inherited {
    Fd control;
    Fd log;   ///< empty: syslog
    Fd lock;  ///< tells the next master that this process lives
    std::string main_cf;
    std::string config_directory;
    std::vector<Listener> listeners;
};

/// Takes the descriptors over (close-on-exec from now on).  An Error when this process was not
/// started by master.
Result<Inherited> take_inherited();

/// The text of a file.
Result<std::string> read_main_cf(const std::string& path);

/// "inet:NAME unix:NAME …" as Listeners without descriptors.
Result<std::vector<Listener>> parse_sockets(std::string_view text);

}  // namespace facteur::daemon
