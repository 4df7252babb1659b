#include "lib/event/signal.h"

namespace facteur {

Signal::~Signal() {
    for (Wait* wait = first_; wait; wait = wait->next_)
        wait->owner_ = nullptr;
}

void Signal::notify_one() {
    if (first_) first_->wake(Waiter::Wake::ready);
}

void Signal::notify_all() {
    while (first_)
        first_->wake(Waiter::Wake::ready);
}

void Signal::Wait::await_suspend(std::coroutine_handle<> coroutine) {
    park(coroutine);
    previous_ = owner_->last_;
    (previous_ ? previous_->next_ : owner_->first_) = this;
    owner_->last_ = this;
}

void Signal::Wait::unlink() {
    if (!owner_) return;
    (previous_ ? previous_->next_ : owner_->first_) = next_;
    (next_ ? next_->previous_ : owner_->last_) = previous_;
    next_ = previous_ = nullptr;
}

}  // namespace facteur
