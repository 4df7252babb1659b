#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "lib/event/run_queue.h"

namespace facteur {

template <class T>
class Task;

namespace detail {

/// What all promises share: whom to wake at the end, and the exception that ended the coroutine.
class PromiseBase {
public:
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
        Final() = default;
        bool await_ready() noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> self) noexcept {
            // Through the run queue, never by symmetric transfer: g++ 12 grows the stack with it.
            PromiseBase& promise = self.promise();
            if (promise.parent) promise.parent->later(promise.continuation);
        }
        void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return Final(); }
    void unhandled_exception() noexcept { failure = std::current_exception(); }

    Resumption* parent = nullptr;  ///< in the frame of the coroutine that awaits this one
    std::coroutine_handle<> continuation;
    std::exception_ptr failure;
};

template <class T>
class Promise : public PromiseBase {
public:
    Task<T> get_return_object() noexcept;
    template <class U>
    void return_value(U&& value) {
        result.emplace(std::forward<U>(value));
    }
    T take() {
        if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
        return *std::move(result);
    }
    std::optional<T> result;
};

template <>
class Promise<void> : public PromiseBase {
public:
    Task<void> get_return_object() noexcept;
    void return_void() noexcept {}
    void take() {
        if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
    }
};

}  // namespace detail

/// A lazy coroutine: nothing runs before it is awaited (exactly once) or spawned into a Scope.
/// Destroying a Task destroys the frame and all objects alive in it.
template <class T = void>
class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    class Awaiter {
    public:
        explicit Awaiter(Handle handle) noexcept : handle_(handle) {}
        Awaiter(const Awaiter&) = delete;
        Awaiter& operator=(const Awaiter&) = delete;
        bool await_ready() {  // the child runs on our stack until it first waits
            handle_.resume();
            return handle_.done();
        }
        void await_suspend(std::coroutine_handle<> parent) noexcept {
            handle_.promise().parent = &resumption_;
            handle_.promise().continuation = parent;
        }
        T await_resume() { return handle_.promise().take(); }

    private:
        Handle handle_;
        Resumption resumption_;
    };

    Task() = default;
    explicit Task(Handle handle) noexcept : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() {
        if (handle_) handle_.destroy();
    }

    Awaiter operator co_await() const noexcept { return Awaiter(handle_); }

    Handle handle() const noexcept { return handle_; }
    Handle release() noexcept { return std::exchange(handle_, nullptr); }

private:
    Handle handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

}  // namespace facteur
