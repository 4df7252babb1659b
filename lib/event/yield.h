#pragma once

#include "lib/event/run_queue.h"

namespace facteur {

/// co_await Yield();  lets everything else that is ready run first: long work goes in pieces.
class Yield {
public:
    Yield() = default;
    Yield(const Yield&) = delete;
    Yield& operator=(const Yield&) = delete;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) { resumption_.later(coroutine); }
    void await_resume() const {}

private:
    Resumption resumption_;
};

}  // namespace facteur
