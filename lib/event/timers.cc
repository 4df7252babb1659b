#include "lib/event/timers.h"

namespace facteur {

void Timers::place(std::size_t at, Timer* timer) {
    heap_[at] = timer;
    timer->place_ = at;
}

void Timers::sift_up(std::size_t at) {
    Timer* timer = heap_[at];
    while (at > 0 && timer->deadline_ < heap_[(at - 1) / 2]->deadline_) {
        place(at, heap_[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(at, timer);
}

void Timers::sift_down(std::size_t at) {
    Timer* timer = heap_[at];
    for (std::size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
        if (child + 1 < heap_.size() && heap_[child + 1]->deadline_ < heap_[child]->deadline_) {
            ++child;
        }
        if (timer->deadline_ <= heap_[child]->deadline_) break;
        place(at, heap_[child]);
        at = child;
    }
    place(at, timer);
}

void Timers::add(Timer& timer) {
    heap_.push_back(&timer);
    sift_up(heap_.size() - 1);
}

void Timers::remove(Timer& timer) {
    std::size_t at = timer.place_;
    if (at == Timer::kOutside) return;
    timer.place_ = Timer::kOutside;
    Timer* last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) return;
    place(at, last);
    sift_up(at);
    sift_down(last->place_);
}

void Timers::expire(TimePoint now) {
    while (!heap_.empty() && heap_.front()->deadline_ <= now) {
        Timer* timer = heap_.front();
        remove(*timer);
        timer->expired();
    }
}

}  // namespace facteur
