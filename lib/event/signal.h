#pragma once

#include "lib/event/waiter.h"

namespace facteur {

/// A condition that coroutines wait for: no state of its own, so test yours in a loop.
///     while (queue.empty()) co_await changed_.wait(scope_);
class Signal {
public:
    Signal() = default;
    ~Signal();
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    void notify_one();
    void notify_all();
    bool has_waiters() const { return first_ != nullptr; }

    class Wait : public Waiter {
    public:
        Wait(Signal& owner, Scope& scope, TimePoint deadline)
            : Waiter(scope, deadline), owner_(&owner) {}
        ~Wait() override { leave(); }
        bool await_ready() const { return false; }
        void await_suspend(std::coroutine_handle<> coroutine);
        void await_resume() const { check(); }

    protected:
        void unlink() override;

    private:
        friend class Signal;
        Signal* owner_;
        Wait* next_ = nullptr;
        Wait* previous_ = nullptr;
    };
    /// Until notified; throws TimedOut at the deadline, Cancelled with the scope.
    Wait wait(Scope& scope, TimePoint deadline = kNever) { return Wait(*this, scope, deadline); }

private:
    Wait* first_ = nullptr;
    Wait* last_ = nullptr;
};

}  // namespace facteur
