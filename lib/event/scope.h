#pragma once

#include <cstddef>

#include "lib/event/task.h"

namespace facteur {

class Waiter;

/// Structured concurrency: tasks spawned here end before the Scope does, and cancel() wakes every
/// wait inside it with Cancelled.  A Scope made with a parent is cancelled with the parent.
///
/// A Scope must be empty (joined) when it is destroyed; its destructor destroys what is still
/// suspended, which is for tests and for the end of the process.
class Scope {
public:
    Scope();
    explicit Scope(Scope& parent);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    /// Starts the task on the next turn of the loop.  The task handles its own Disconnect;
    /// one that escapes ends that task only, any other exception is logged and ends that task.
    void spawn(Task<void> task);
    /// Wakes all waits in this Scope and its children with Cancelled; later waits throw at once.
    void cancel();
    bool cancelled() const { return cancelled_; }
    /// Number of spawned tasks that have not ended.
    std::size_t running() const { return running_; }
    /// Returns once no spawned task is left.  It is not itself cancelled.
    Task<void> join();

private:
    friend class Waiter;
    struct Root;
    Task<void> run(Task<void> task, Root* root);
    void ended(Root* root);

    Scope* parent_ = nullptr;
    Scope* first_child_ = nullptr;
    Scope* next_sibling_ = nullptr;
    Scope* previous_sibling_ = nullptr;
    Waiter* waiters_ = nullptr;
    Root* roots_ = nullptr;
    std::size_t running_ = 0;
    std::coroutine_handle<> joiner_;
    Resumption* joiner_resumption_ = nullptr;
    bool cancelled_ = false;
};

}  // namespace facteur
