#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"

namespace facteur::master {

/// pid/master.pid, locked with fcntl(2) while this process lives, so that a stale file means
/// nothing and two masters cannot run on one queue.
class PidFile {
public:
    /// An Error when another master holds it; its text names the process.
    static Result<PidFile> take(const std::string& path);
    /// The process that holds it now.
    static std::optional<pid_t> holder(const std::string& path);

private:
    explicit PidFile(Fd file) : file_(std::move(file)) {}
    Fd file_;
};

/// pid/workers.lock, held open by master and each worker: free once all of them are gone, so that
/// a new master does not start a second queue manager beside one that a killed master left behind.
Result<Fd> lock_out_old_workers(const std::string& path, int seconds);

}  // namespace facteur::master
