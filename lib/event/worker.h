#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "lib/event/signal.h"
#include "lib/event/task.h"

namespace facteur {

/// Threads for what blocks: fsync, directory scans, password hashing.  Work gets everything it
/// needs by value or by a reference that its awaiting coroutine keeps alive; it touches no loop.
class WorkerPool {
public:
    /// Threads start with the first work and number at most `threads`.
    explicit WorkerPool(std::size_t threads);
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// auto found = co_await pool.run<Found>(work);  Name the std::function first (style R1).
    /// Exceptions of the work arrive in the awaiting coroutine.  It cannot be cancelled.
    template <class T>
    Task<T> run(std::function<T()> work) {
        std::optional<T> result;
        std::function<void()> wrapped = [&result, &work] { result.emplace(work()); };
        co_await run_void(std::move(wrapped));
        co_return *std::move(result);
    }
    Task<void> run_void(std::function<void()> work);

private:
    struct Shared;
    std::unique_ptr<Shared> shared_;
};

}  // namespace facteur
