#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"

namespace facteur::authd {

/// Bounds what password checks cost together: so many at a time, so much memory.  One that wants
/// more than the whole limit runs alone.
class Turns {
public:
    Turns(std::size_t most, std::uint64_t memory_kib) : most_(most), limit_kib_(memory_kib) {}

    /// Held while a check runs.
    class Turn {
    public:
        Turn(Turns& turns, std::uint64_t memory_kib) : turns_(&turns), kib_(memory_kib) {}
        Turn(Turn&& other) noexcept
            : turns_(std::exchange(other.turns_, nullptr)), kib_(other.kib_) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn() {
            if (turns_) turns_->leave(kib_);
        }

    private:
        Turns* turns_;
        std::uint64_t kib_;
    };
    Task<Turn> take(Scope& scope, std::uint64_t memory_kib) {
        while (running_ >= most_ || (running_ > 0 && kib_ + memory_kib > limit_kib_))
            co_await left_.wait(scope);
        ++running_;
        kib_ += memory_kib;
        co_return Turn(*this, memory_kib);
    }
    std::size_t running() const { return running_; }

private:
    void leave(std::uint64_t memory_kib) {
        --running_;
        kib_ -= memory_kib;
        left_.notify_all();
    }

    std::size_t most_;
    std::uint64_t limit_kib_;
    std::size_t running_ = 0;
    std::uint64_t kib_ = 0;
    Signal left_;
};

}  // namespace facteur::authd
