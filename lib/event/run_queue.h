#pragma once

#include <coroutine>

namespace facteur {

/// One coroutine's place in the run queue of the loop.  It lives in the frame of the coroutine
/// that it resumes (in an awaiter), so that a frame which is destroyed leaves the queue with it.
class Resumption {
public:
    Resumption() = default;
    ~Resumption() { leave(); }
    Resumption(const Resumption&) = delete;
    Resumption& operator=(const Resumption&) = delete;

    /// Resumes the coroutine on the next turn of the loop, in the order of the calls.
    void later(std::coroutine_handle<> coroutine) noexcept;
    /// Out of the queue; does nothing when it is not in it.
    void leave() noexcept;

private:
    friend class RunQueue;
    std::coroutine_handle<> coroutine_;
    Resumption* next_ = nullptr;
    Resumption* previous_ = nullptr;
};

/// What the next turn of the loop resumes.
class RunQueue {
public:
    static RunQueue& instance();
    bool empty() const { return first_ == nullptr; }
    /// Resumes what is queued now; what is queued meanwhile waits for the next call, so that a
    /// coroutine which always has work cannot keep the loop from the network.
    void run();
    /// Destroys a frame that has run to its end, once it is no longer on the stack.
    void destroy_later(std::coroutine_handle<> finished) noexcept;

private:
    friend class Resumption;
    void append(Resumption& entry) noexcept;
    void remove(Resumption& entry) noexcept;

    Resumption* first_ = nullptr;
    Resumption* last_ = nullptr;
};

}  // namespace facteur
