#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lmtp-local/tasks.h"

namespace facteur::lmtp_local {

/// How a command ended.
struct Ended {
    int status = 0;  ///< as waitpid(2) tells it
    bool timed_out = false;
    std::string output;  ///< both its streams, the beginning
};

/// What that means for the message: nothing when it was taken; sysexits.h, an enhanced status code
/// at the start of the output, signals and time limits as Postfix's local(8) reads them.
Result<void> judge_command(const std::string& command, const Ended& ended);

/// The words of a command that needs no shell; nothing when it does.
std::vector<std::string> plain_words(std::string_view command);

/// Runs it with the message as standard input: a process group of its own, no descriptor but the
/// three, killed with all its children at the time limit, or when `alive` (a socket) ends.
/// Blocks.  Nothing in the answer: the message is the command's now.
Result<void> run_command(const CommandTask& task, int content, int alive);
/// Likewise for a pipe transport, without any shell; the answer is what the command wrote.
Result<std::string> run_pipe(const PipeTask& task, int content, int alive);

/// The environment of a command: PATH, and of ours what `names` says (NAME, or NAME=VALUE).
std::vector<std::string> exported_environment(const std::vector<std::string>& names);

}  // namespace facteur::lmtp_local
