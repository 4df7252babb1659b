#pragma once

#include <functional>
#include <string>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/event/scope.h"
#include "lib/event/task.h"

namespace facteur::master {

/// pid/control: `facteur` sends one word and reads text until the end of the connection.  Only
/// master's own user reaches the socket.
class Control {
public:
    /// Answers one word; the text goes back to the asker.
    using Answer = std::function<Task<std::string>(std::string word)>;

    Control(Scope& scope, Answer answer) : scope_(scope), answer_(std::move(answer)) {}
    Result<void> open(const std::string& path);

private:
    Task<void> accept();
    Task<void> serve(Fd socket);

    Scope& scope_;
    Answer answer_;
    Fd listener_;
};

}  // namespace facteur::master
