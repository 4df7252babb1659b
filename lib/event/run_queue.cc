#include "lib/event/run_queue.h"

#include <utility>
#include <vector>

namespace facteur {
namespace {

std::vector<std::coroutine_handle<>>& finished_frames() {
    static std::vector<std::coroutine_handle<>> frames;
    return frames;
}

}  // namespace

void Resumption::later(std::coroutine_handle<> coroutine) noexcept {
    coroutine_ = coroutine;
    RunQueue::instance().append(*this);
}

void Resumption::leave() noexcept {
    if (coroutine_) RunQueue::instance().remove(*this);
}

RunQueue& RunQueue::instance() {
    static RunQueue queue;
    return queue;
}

void RunQueue::append(Resumption& entry) noexcept {
    entry.previous_ = last_;
    entry.next_ = nullptr;
    (last_ ? last_->next_ : first_) = &entry;
    last_ = &entry;
}

void RunQueue::remove(Resumption& entry) noexcept {
    (entry.previous_ ? entry.previous_->next_ : first_) = entry.next_;
    (entry.next_ ? entry.next_->previous_ : last_) = entry.previous_;
    entry.next_ = entry.previous_ = nullptr;
    entry.coroutine_ = nullptr;
}

void RunQueue::run() {
    // A marker of our own at the end: entries may come and go while coroutines run.
    Resumption marker;
    marker.coroutine_ = std::noop_coroutine();
    append(marker);
    while (first_ != &marker) {
        std::coroutine_handle<> next = first_->coroutine_;
        remove(*first_);
        next.resume();
    }
    remove(marker);
    for (auto frames = std::exchange(finished_frames(), {}); auto frame : frames)
        frame.destroy();
}

void RunQueue::destroy_later(std::coroutine_handle<> finished) noexcept {
    finished_frames().push_back(finished);
}

}  // namespace facteur
