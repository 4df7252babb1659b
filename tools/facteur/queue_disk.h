#pragma once

#include <functional>

#include "lib/base/result.h"
#include "lib/ipc/ways/queue_admin.h"

namespace facteur::tool {

/// Is the caller root, or the owner of the queue?  In the queue directory.
bool may_read_disk();
/// What qmgr would tell of the queue, read from the disk while none runs; what is in maildrop/ too.
Result<void> entries_on_disk(const std::function<void(const ipc::QueueEntry&)>& each);

}  // namespace facteur::tool
