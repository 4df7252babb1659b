#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/event/scope.h"
#include "lib/event/task.h"
#include "lib/ipc/codec.h"

namespace facteur::daemon {

/// Whom a child process acts for: what a daemon tells its nursery.
struct Birth {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    /// The only folders that it may write to; none: all that Offspring::privileges names.
    std::vector<std::string> folders;

    static constexpr auto fields() {
        using M = Birth;
        return std::tuple{ipc::Field{"uid", &M::uid}, ipc::Field{"gid", &M::gid},
                          ipc::Field{"folders", &M::folders}};
    }
};

/// Where a daemon has its child processes made (Description::offspring): the way to a small
/// process beside it that alone can become somebody else.  It was forked before the daemon had
/// threads, connections or anybody's data in its memory, so its children begin clean; and the
/// daemon itself, which talks with other processes, needs no capability and opens no mail.
///
/// All its children end in order when the daemon is gone: nobody else could reload or stop them.
class Nursery {
public:
    /// privileged: children can be of another uid than ours.
    Nursery(Fd socket, bool is_privileged)
        : socket_(std::move(socket)), privileged_(is_privileged) {}

    bool can_become_others() const { return privileged_; }

    /// Our ends of the two sockets of a child.  When it cannot be made (that is in the log), they
    /// are closed from the other side.
    struct Child {
        Fd control;  ///< one word a datagram, as between master and its workers (protocol.h)
        Fd way;      ///< what Offspring::make got the other end of
    };
    Result<Child> start(const Birth& birth);

    /// Returns when the nursery process has ended.
    Task<void> ended(Scope& scope);

private:
    Fd socket_;
    bool privileged_;
};

}  // namespace facteur::daemon
