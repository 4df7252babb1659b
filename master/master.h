#pragma once

#include <memory>
#include <string>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "master/certificates.h"
#include "master/control.h"
#include "master/pid_file.h"
#include "master/supervisor.h"

namespace facteur::master {

/// The process that stays: one configuration directory, its lock, its services, and what is
/// asked of it by signals and by `facteur`.
class Master {
public:
    /// background: what a dying daemon writes to standard error goes to the log file.
    Master(std::string directory, bool background);
    ~Master();

    /// Reads the configuration, takes the lock, makes the spool, opens the sockets, starts the
    /// workers.
    Result<void> start();
    /// The log of the configuration is open; before that, only standard error is there.
    bool has_log() const { return has_log_; }
    /// Turns until the system has stopped.  `up` is called once when all services accept (or, with
    /// the names of those that do not, when waiting for them makes no sense any more).
    void run(std::function<void(const std::string& missing)> up);

private:
    Task<void> announce(std::function<void(const std::string&)> up);
    Task<void> obey_signals();
    Task<void> watch_certificates();
    Task<std::string> answer(std::string word);
    std::string reload();
    Task<void> stop();
    void open_log(const Generation& generation);

    std::string directory_;
    bool background_;
    Loop loop_;
    unsigned generation_ = 1;
    TimePoint started_;
    std::unique_ptr<PidFile> pid_file_;
    Fd lock_;
    Fd signals_;
    std::unique_ptr<Supervisor> supervisor_;
    std::unique_ptr<Control> control_;
    WatchedFiles certificates_;
    Signal forever_;  ///< nobody rings it
    bool stopping_ = false;
    bool has_log_ = false;
    Scope scope_;  ///< last: its tasks use all of the above
};

}  // namespace facteur::master
