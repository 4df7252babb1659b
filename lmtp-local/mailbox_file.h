#pragma once

#include "lib/base/result.h"
#include "lmtp-local/tasks.h"

namespace facteur::lmtp_local {

/// Appends a message in mbox format, as who we are, and flushes it: all of it, or the file is as
/// long as it was.  Locked as the task says, with the methods of Postfix (fcntl, flock, dotlock).
/// A file that is no regular one (/dev/null) is only written to.  Blocks.
Result<void> append_to_file(const FileTask& task, int content);

}  // namespace facteur::lmtp_local
