#pragma once

#include "lib/event/waiter.h"

struct event;

namespace facteur {

/// Readiness of one non-blocking descriptor, registered once with the loop for its whole life
/// (edge-triggered, so that waiting costs no system call).  Whoever uses it reads or writes until
/// EAGAIN, says would_block(), and only then waits.  At most one reader and one writer wait at a
/// time.  The descriptor must outlive the object.
class Readiness {
public:
    enum Direction : unsigned { read = 0, write = 1 };

    explicit Readiness(int fd);
    ~Readiness();
    Readiness(const Readiness&) = delete;
    Readiness& operator=(const Readiness&) = delete;

    /// The last system call said EAGAIN.
    void would_block(Direction direction) { ready_[direction] = false; }
    bool ready(Direction direction) const { return ready_[direction]; }

    class Wait : public Waiter {
    public:
        Wait(Readiness& owner, Direction direction, Scope& scope, TimePoint deadline)
            : Waiter(scope, deadline), owner_(owner), direction_(direction) {}
        ~Wait() override { leave(); }
        bool await_ready() const { return owner_.ready_[direction_]; }
        void await_suspend(std::coroutine_handle<> coroutine);
        void await_resume() const { check(); }

    protected:
        void unlink() override { owner_.waiting_[direction_] = nullptr; }

    private:
        Readiness& owner_;
        Direction direction_;
    };
    /// co_await readiness.wait(Readiness::read, scope, deadline);  throws TimedOut, Cancelled.
    Wait wait(Direction direction, Scope& scope, TimePoint deadline = kNever) {
        return Wait(*this, direction, scope, deadline);
    }

private:
    static void on_event(int, short what, void* self);

    event* event_;
    bool ready_[2] = {true, true};
    Wait* waiting_[2] = {nullptr, nullptr};
};

}  // namespace facteur
