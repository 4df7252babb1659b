#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/timers.h"
#include "lmtp-local/broker.h"
#include "lmtp-local/tasks.h"

namespace facteur::lmtp_local {

/// The hands of lmtp-local: as many processes as there are tasks at a time, up to a limit; one that
/// has nothing to do is kept for a while for the next task of its user.
class Hands {
public:
    /// What a hand said, with the descriptor that came along.
    struct Answer {
        TaskResult result;
        Fd fd;
    };

    /// scope: cancels what waits.  Without a broker (error: why) all tasks fail.
    Hands(Scope& scope, Result<Broker> broker, std::size_t limit);
    ~Hands();

    /// An Error: of the task, or because no hand could do it.
    template <class Task_>
    Task<Result<Answer>> ask(Identity who, Task_ task, Fd content = Fd()) {
        std::string bytes = to_datagram(task);
        co_return co_await exchange(who, std::move(bytes), std::move(content));
    }
    std::size_t running() const { return count_; }
    /// False: hands are who this process is.
    bool can_become_others() const { return broker_ && broker_->is_privileged(); }

private:
    class Hand;
    Task<Result<Answer>> exchange(Identity who, std::string bytes, Fd content);
    Task<Result<std::unique_ptr<Hand>>> take(Identity who);
    void give_back(Identity who, std::unique_ptr<Hand> hand);
    bool dismiss_longest_idle();
    Task<void> dismiss_idle();

    Scope& scope_;
    Result<Broker> broker_;
    const std::size_t limit_;
    std::size_t count_ = 0;
    std::map<Identity, std::deque<std::unique_ptr<Hand>>> idle_;  ///< longest idle first
    Signal freed_;
    bool tidying_ = false;
    Scope tidy_;  ///< last: its task uses all of the above
};

}  // namespace facteur::lmtp_local
