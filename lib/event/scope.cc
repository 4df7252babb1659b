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
    Resumption start;
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
    root->start.later(root->frame.handle());
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

void Scope::ended(Root* root) {
    if (root->next) root->next->previous = root->previous;
    (root->previous ? root->previous->next : roots_) = root->next;
    RunQueue::instance().destroy_later(root->frame.release());
    delete root;  // NOLINT: made in spawn()
    if (--running_ == 0 && joiner_) joiner_resumption_->later(std::exchange(joiner_, nullptr));
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
        ~Join() { scope_.joiner_ = nullptr; }
        void await_suspend(std::coroutine_handle<> joiner) {
            scope_.joiner_ = joiner;
            scope_.joiner_resumption_ = &resumption_;
        }
        void await_resume() const {}

    private:
        Scope& scope_;
        Resumption resumption_;
    };
    while (running_ > 0)
        co_await Join(*this);
}

}  // namespace facteur
