#pragma once

#include <sys/types.h>

#include "lib/base/fd.h"
#include "lib/daemon/nursery.h"
#include "lib/sandbox/identity.h"
#include "lib/sandbox/privileges.h"

namespace facteur::daemon {

struct Description;
struct Inherited;
struct Options;
struct Settings;

/// What a birth travels with: the child's ends of Nursery::Child.
constexpr int kChildFds = 2;
Result<void> send_birth(int socket, const Birth& birth, const int (&fds)[kChildFds]);

/// The other side of a Nursery: waits for births, forks, says in the log how its children ended,
/// and ends with its daemon.  One thread, no loop, no memory of sessions.
class NurseryProcess {
public:
    /// All must live as long as the process.  privileges: plain, of each child.
    NurseryProcess(Fd socket, const Description& description, const Settings& settings,
                   const Options& options, sandbox::Privileges privileges, Fd lock);

    [[noreturn]] void run(const sandbox::Identity& identity);

private:
    bool receive();
    void give_birth(const Birth& birth, Fd control, Fd way);
    [[noreturn]] void live(const Birth& birth, Fd control, Fd way);
    void reap() const;

    Fd socket_;
    Fd children_;  ///< signalfd for SIGCHLD
    const Description& description_;
    const Settings& settings_;
    const Options& options_;
    sandbox::Privileges privileges_;
    Fd lock_;  ///< master's, so that its successor waits for us
};

/// Forks the nursery of a daemon that has offspring: early, while the process is still small.
Nursery start_nursery(const Description& description, const Settings& settings,
                      const Options& options, sandbox::Privileges privileges,
                      const sandbox::Identity& identity, Inherited& inherited);

}  // namespace facteur::daemon
