#pragma once

#include <set>

#include "lib/event/loop.h"

namespace facteur::qmgr {

/// How fast the disk takes new messages: those that it has now, and the last one.
class Pressure {
public:
    /// One message is being stored, for as long as this lives.
    class Commit {
    public:
        explicit Commit(Pressure& pressure)
            : pressure_(pressure), begin_(pressure.running_.insert(Loop::current().now())) {}
        ~Commit() { pressure_.ended(begin_); }
        Commit(const Commit&) = delete;
        Commit& operator=(const Commit&) = delete;

    private:
        Pressure& pressure_;
        std::multiset<TimePoint>::iterator begin_;
    };

    /// Does one wait for longer than this, or did the last one, not long ago?
    bool is_over(Milliseconds limit) const {
        const TimePoint now = Loop::current().now();
        if (!running_.empty() && now - *running_.begin() > limit) return true;
        return last_ > limit && now < ended_ + kMemory;
    }

private:
    /// Nobody would learn that the disk is fast again if nothing were stored any more.
    static constexpr Seconds kMemory{5};

    void ended(std::multiset<TimePoint>::iterator begin) {
        ended_ = Loop::current().now();
        last_ = std::chrono::duration_cast<Milliseconds>(ended_ - *begin);
        running_.erase(begin);
    }

    std::multiset<TimePoint> running_;
    TimePoint ended_{};
    Milliseconds last_{};
};

}  // namespace facteur::qmgr
