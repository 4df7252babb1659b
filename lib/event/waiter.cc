#include "lib/event/waiter.h"

#include "lib/event/errors.h"
#include "lib/event/scope.h"

namespace facteur {

void Waiter::park(std::coroutine_handle<> coroutine) {
    if (scope_.cancelled_) throw Cancelled("shutting down");
    coroutine_ = coroutine;
    next_ = scope_.waiters_;
    if (next_) next_->previous_ = this;
    scope_.waiters_ = this;
    parked_ = true;
    if (deadline() != kNever) Loop::current().timers().add(*this);
}

void Waiter::leave() {
    if (!parked_) return;
    parked_ = false;
    Loop::current().timers().remove(*this);
    if (next_) next_->previous_ = previous_;
    (previous_ ? previous_->next_ : scope_.waiters_) = next_;
    next_ = previous_ = nullptr;
    unlink();
}

void Waiter::wake(Wake why) {
    if (!parked_) return;
    why_ = why;
    leave();
    resumption_.later(coroutine_);
}

void Waiter::check() const {
    if (why_ == Wake::timed_out) throw TimedOut("timeout exceeded");
    if (why_ == Wake::cancelled) throw Cancelled("shutting down");
}

}  // namespace facteur
