#pragma once

#include "lib/base/fd.h"

namespace facteur::lmtp_local {

/// The life of a hand, already as its user: does the tasks that come (tasks.h), one after the
/// other, until the socket ends.  Blocks; no threads, no loop.
void serve_tasks(Fd socket);

}  // namespace facteur::lmtp_local
