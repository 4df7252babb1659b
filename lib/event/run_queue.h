#pragma once

#include <coroutine>

namespace facteur {

/// Resumes the coroutine on the next turn of this thread's loop, in the order of the calls.
void resume_later(std::coroutine_handle<> coroutine) noexcept;

}  // namespace facteur
