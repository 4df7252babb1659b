#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/fd.h"
#include "lib/daemon/nursery.h"
#include "lib/event/signal.h"
#include "lib/event/timers.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/ways/mailbox.h"

namespace facteur::login {

/// A child process of the Broker that acts for one owner of mail, with the sessions it has.
class OwnerProcess {
public:
    /// scope: of the waits for what it says.
    OwnerProcess(Scope& scope, daemon::Birth birth, daemon::Nursery::Child child);

    const daemon::Birth& birth() const { return birth_; }
    /// May serve mail in these folders.
    bool covers(const daemon::Birth& wanted) const;
    std::size_t sessions() const { return sessions_.size(); }
    bool is_leaving() const { return leaving_; }

    /// Passes a session on; the answer, or nothing when the process ended.  presence: kept until
    /// the session has ended.
    Task<std::optional<ipc::OpenSessionReply>> open(Scope& scope, ipc::OpenSession session,
                                                    Fd socket, std::shared_ptr<void> presence);
    /// Takes in what it says until it is gone; tells it to end when it had no session for so long.
    Task<void> listen(Milliseconds idle_time);

    /// daemon::word::kDrain or kStop.
    void tell(const char* word);
    TimePoint idle_since() const { return idle_since_; }

private:
    class Question;
    void hear(const ipc::Frame& frame);
    void forget(std::uint64_t number);

    const daemon::Birth birth_;
    Fd control_;
    /// By the number of the session: what is kept until it ends, and who waits for an answer.
    std::map<std::uint64_t, std::shared_ptr<void>> sessions_;
    std::map<std::uint64_t, Question*> questions_;
    std::uint64_t last_number_ = 0;
    TimePoint idle_since_;
    bool leaving_ = false;
    bool gone_ = false;
    Signal answered_;
    ipc::Channel way_;
};

}  // namespace facteur::login
