#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/config/master_cf.h"
#include "master/settings.h"

namespace facteur::master {

/// What one reading of main.cf and master.cf gave.  Shared by the supervisor and by the services
/// that were configured from it; a reload makes the next one.
struct Generation {
    unsigned number = 1;
    std::string directory;  ///< where main.cf is
    Settings settings;
    conf::MasterCf master_cf;
    Fd main_cf;  ///< sealed memory file: every daemon reads this, never the disk
    Fd log;      ///< empty: syslog

    /// Reads DIR/main.cf and DIR/master.cf.  The Error lists every problem, one a line.
    static Result<std::shared_ptr<Generation>> read(const std::string& directory, unsigned number);
    /// The program behind a command of master.cf.
    std::string program(const std::string& command) const;

private:
    bool has_daemon_directory_ = false;
};

}  // namespace facteur::master
