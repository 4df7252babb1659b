#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/config/main_cf.h"
#include "lib/daemon/settings.h"

namespace facteur::tool {

/// The configuration that -c names, read for the tool's own needs.
struct Instance {
    std::string directory;  ///< absolute
    conf::MainCf main_cf;
    std::unique_ptr<daemon::Settings> settings;

    static Result<Instance> open(const std::string& directory);
    std::string queue_path(std::string_view below) const;
};

/// Makes or replaces a file with this mode, whole or not at all.
Result<void> write_file(const std::string& path, std::string_view text, unsigned mode);

/// Asks the running master; an Error when there is none.
Result<std::string> ask_master(const Instance& instance, std::string_view word);
/// Tells the running master to stop everything; returns when its process has ended.
Result<void> stop_master(const Instance& instance);

/// A program of the suite: beside this one, else in daemon_directory's default.
std::string find_program(const std::string& name);

/// What `facteur check` calls errors, printed; warnings are not.
bool has_errors(const std::string& directory);

/// "facteur: text" on standard error; returns 1.
int complain(std::string_view text);

}  // namespace facteur::tool
