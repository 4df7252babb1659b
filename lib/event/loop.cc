#include "lib/event/loop.h"

#include <csignal>
#include <cstdlib>

#include <event2/event.h>

#include "lib/base/log.h"
#include "lib/event/run_queue.h"

namespace facteur {
namespace {

/// How often the run queue is emptied before the network is looked at again.
constexpr int kRounds = 16;

Loop* current_loop = nullptr;

void alarm_rang(evutil_socket_t, short, void*) {}

}  // namespace

Loop& Loop::current() {
    if (!current_loop) std::abort();  // a Task ran before main made the Loop
    return *current_loop;
}

Loop::Loop() {
    std::signal(SIGPIPE, SIG_IGN);  // NOLINT: the answer of send(2) is what we look at
    base_ = ::event_base_new();
    if (!base_) log_fatal("cannot make an event loop");
    alarm_ = ::event_new(base_, -1, 0, alarm_rang, nullptr);
    if (!alarm_) log_fatal("out of memory");
    current_loop = this;
    refresh_clock();
}

Loop::~Loop() {
    ::event_free(alarm_);
    ::event_base_free(base_);
    current_loop = nullptr;
}

void Loop::refresh_clock() {
    now_ = std::chrono::steady_clock::now() + advanced_;
}

void Loop::advance(Milliseconds by) {
    advanced_ += by;
    refresh_clock();
}

void Loop::stop() {
    stopping_ = true;
    ::event_base_loopbreak(base_);
}

void Loop::run() {
    run_until([this] { return stopping_; });
    stopping_ = false;
}

void Loop::run_until(const std::function<bool()>& done) {
    while (!done())
        turn();
}

void Loop::turn() {
    int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;
    TimePoint earliest = timers_.earliest();
    if (!RunQueue::instance().empty()) {
        flags = EVLOOP_NONBLOCK;
    } else if (earliest != kNever) {
        auto left = std::chrono::duration_cast<std::chrono::microseconds>(earliest - now_);
        left = std::max(left, std::chrono::microseconds(0)) + std::chrono::microseconds(100);
        timeval tv{};
        tv.tv_sec = left.count() / 1000000;
        tv.tv_usec = left.count() % 1000000;
        ::event_add(alarm_, &tv);
    } else {
        ::event_del(alarm_);
    }
    ::event_base_loop(base_, flags);
    refresh_clock();
    timers_.expire(now_);
    // A chain of coroutines that end one after the other needs no look at the network in between:
    // without this, each message cost smtpd ten calls of epoll_wait(2).
    RunQueue& queue = RunQueue::instance();
    for (int round = 0; round < kRounds && !queue.empty(); ++round)
        queue.run();
}

}  // namespace facteur
