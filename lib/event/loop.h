#pragma once

#include <functional>

#include "lib/event/timers.h"

struct event;
struct event_base;

namespace facteur {

/// The one event loop of a process (libevent); made before the first Task runs.
class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Turns until stop() is called.
    void run();
    /// Turns until done() is true, asked after each turn: for tests and for an orderly end.
    void run_until(const std::function<bool()>& done);
    void stop();

    /// The time at the start of this turn, moved by what advance() added.
    TimePoint now() const { return now_; }
    /// Tests only: moves the clock of all deadlines ahead.
    void advance(Milliseconds by);

    Timers& timers() { return timers_; }
    event_base* base() const { return base_; }
    /// The loop of this process; there must be one.
    static Loop& current();

private:
    void turn();
    void refresh_clock();

    event_base* base_;
    event* alarm_;  ///< wakes the loop for the earliest timer
    Timers timers_;
    TimePoint now_;
    Milliseconds advanced_{0};
    bool stopping_ = false;
};

}  // namespace facteur
