#pragma once

#include <coroutine>

#include "lib/event/loop.h"
#include "lib/event/run_queue.h"

namespace facteur {

class Scope;

/// One suspended coroutine: in the list of its Scope (for cancellation) and, with a deadline, in
/// the loop's timers.  Base of every awaiter that really waits.
class Waiter : private Timer {
public:
    enum class Wake { none, ready, timed_out, cancelled };

    explicit Waiter(Scope& scope, TimePoint deadline = kNever) : Timer(deadline), scope_(scope) {}
    /// Derived classes call leave() in their own destructor: unlink() is theirs.
    ~Waiter() override = default;

    /// Resumes the coroutine on the next turn; only the first reason counts.
    void wake(Wake why);

protected:
    /// Suspends: called from await_suspend().  Throws Cancelled in a cancelled Scope.
    void park(std::coroutine_handle<> coroutine);
    /// Called from await_resume(): throws TimedOut or Cancelled when that is why it woke.
    void check() const;
    Wake why() const { return why_; }
    /// Out of all lists; does nothing when it is in none.
    void leave();
    /// Takes the waiter out of whatever else points to it; called once, when it wakes or dies.
    virtual void unlink() {}

private:
    friend class Scope;
    void expired() override { wake(Wake::timed_out); }

    Scope& scope_;
    Waiter* next_ = nullptr;
    Waiter* previous_ = nullptr;
    std::coroutine_handle<> coroutine_;
    Resumption resumption_;
    Wake why_ = Wake::none;
    bool parked_ = false;
};

}  // namespace facteur
