#include "lib/event/readiness.h"

#include <cstdlib>

#include <event2/event.h>

#include "lib/event/errors.h"

namespace facteur {

Readiness::Readiness(int fd)
    : event_(::event_new(Loop::current().base(), fd, EV_READ | EV_WRITE | EV_PERSIST | EV_ET,
                         on_event, this)) {
    if (!event_ || ::event_add(event_, nullptr) != 0) {
        if (event_) ::event_free(event_);
        throw Closed("cannot watch the connection: out of resources");
    }
}

Readiness::~Readiness() {
    ::event_free(event_);
}

void Readiness::on_event(int, short what, void* self) {
    auto& owner = *static_cast<Readiness*>(self);
    for (Direction direction : {read, write}) {
        if (!(what & (direction == read ? EV_READ : EV_WRITE))) continue;
        owner.ready_[direction] = true;
        if (Wait* wait = owner.waiting_[direction]) wait->wake(Waiter::Wake::ready);
    }
}

void Readiness::Wait::await_suspend(std::coroutine_handle<> coroutine) {
    if (owner_.waiting_[direction_]) std::abort();  // two readers of one descriptor
    park(coroutine);
    owner_.waiting_[direction_] = this;
}

}  // namespace facteur
