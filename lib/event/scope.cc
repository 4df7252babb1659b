#include "lib/event/scope.h"

#include <string>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/run_queue.h"
#include "lib/event/waiter.h"

namespace facteur {

/// A spawned task's own frame, in the list of its Scope.
struct Scope::Root {
    Task<void> frame;
    Root* next = nullptr;
    Root* previous = nullptr;
};

Scope::Scope() = default;

Scope::Scope(Scope& parent) : parent_(&parent), cancelled_(parent.cancelled_) {
    next_sibling_ = parent.first_child_;
    if (next_sibling_) next_sibling_->previous_sibling_ = this;
    parent.first_child_ = this;
}

Scope::~Scope() {
    while (roots_) {
        Root* root = roots_;
        roots_ = root->next;
        delete root;  // NOLINT: owned by the list
    }
    for (Scope* child = first_child_; child; child = child->next_sibling_)
        child->parent_ = nullptr;
    if (!parent_) return;
    if (next_sibling_) next_sibling_->previous_sibling_ = previous_sibling_;
    (previous_sibling_ ? previous_sibling_->next_sibling_ : parent_->first_child_) = next_sibling_;
}

void Scope::spawn(Task<void> task) {
    auto* root = new Root;  // NOLINT: ended() and the destructor delete it
    root->frame = run(std::move(task), root);
    root->next = roots_;
    if (roots_) roots_->previous = root;
    roots_ = root;
    ++running_;
    resume_later(root->frame.handle());
}

Task<void> Scope::run(Task<void> task, Root* root) {
    try {
        co_await task;
    } catch (const Disconnect&) {
    } catch (const std::exception& failure) {
        log_error(std::string("a task ended with: ") + failure.what());
    }
    task = Task<void>();  // what the task held is gone before join() returns
    ended(root);
}

namespace {

/// Deletes a spawned task's frame once it has run to its end: a frame cannot delete itself.
class Reaper {
public:
    struct promise_type {
        Reaper get_return_object() noexcept {
            return Reaper(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
    explicit Reaper(std::coroutine_handle<> handle) : handle_(handle) {}
    std::coroutine_handle<> handle() const { return handle_; }

private:
    std::coroutine_handle<> handle_;
};

Reaper reap(Task<void> frame) {
    frame = Task<void>();
    co_return;
}

}  // namespace

void Scope::ended(Root* root) {
    if (root->next) root->next->previous = root->previous;
    (root->previous ? root->previous->next : roots_) = root->next;
    resume_later(reap(std::move(root->frame)).handle());
    delete root;  // NOLINT: made in spawn()
    if (--running_ == 0 && joiner_) resume_later(std::exchange(joiner_, nullptr));
}

void Scope::cancel() {
    cancelled_ = true;
    for (Scope* child = first_child_; child; child = child->next_sibling_)
        child->cancel();
    while (waiters_)
        waiters_->wake(Waiter::Wake::cancelled);
}

Task<void> Scope::join() {
    class Join {
    public:
        explicit Join(Scope& scope) : scope_(scope) {}
        Join(const Join&) = delete;
        Join& operator=(const Join&) = delete;
        bool await_ready() const { return scope_.running_ == 0; }
        void await_suspend(std::coroutine_handle<> joiner) { scope_.joiner_ = joiner; }
        void await_resume() const {}

    private:
        Scope& scope_;
    };
    while (running_ > 0)
        co_await Join(*this);
}

}  // namespace facteur
