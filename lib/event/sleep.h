#pragma once

#include "lib/event/waiter.h"

namespace facteur {

/// co_await Sleep(scope, 5s);  throws Cancelled.
class Sleep : public Waiter {
public:
    Sleep(Scope& scope, Milliseconds duration)
        : Waiter(scope, Loop::current().now() + duration), none_(duration.count() <= 0) {}
    Sleep(Scope& scope, TimePoint until)
        : Waiter(scope, until), none_(until <= Loop::current().now()) {}
    ~Sleep() override { leave(); }
    bool await_ready() const { return none_; }
    void await_suspend(std::coroutine_handle<> coroutine) { park(coroutine); }
    void await_resume() const;

private:
    bool none_;
};

}  // namespace facteur
