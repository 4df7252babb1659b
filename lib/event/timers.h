#pragma once

#include <cstddef>
#include <vector>

#include "lib/base/time.h"

namespace facteur {

/// Monotonic; what deadlines are made of.
using TimePoint = std::chrono::steady_clock::time_point;
constexpr TimePoint kNever = TimePoint::max();

/// Something with a deadline; it knows its place in the heap so that it can leave in O(log n).
class Timer {
public:
    explicit Timer(TimePoint deadline) : deadline_(deadline) {}
    virtual ~Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    TimePoint deadline() const { return deadline_; }
    /// The deadline passed; the timer is out of the heap already.
    virtual void expired() = 0;

private:
    friend class Timers;
    static constexpr std::size_t kOutside = static_cast<std::size_t>(-1);
    TimePoint deadline_;
    std::size_t place_ = kOutside;
};

/// A binary heap of deadlines.
class Timers {
public:
    void add(Timer& timer);
    void remove(Timer& timer);
    TimePoint earliest() const { return heap_.empty() ? kNever : heap_.front()->deadline_; }
    /// Calls expired() for all whose deadline is not after now.
    void expire(TimePoint now);

private:
    void place(std::size_t at, Timer* timer);
    void sift_up(std::size_t at);
    void sift_down(std::size_t at);

    std::vector<Timer*> heap_;
};

}  // namespace facteur
