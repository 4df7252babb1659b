#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/task.h"
#include "lib/event/worker.h"
#include "lib/ipc/ways/memory.h"

namespace facteur::policyd {

/// What others want kept: a file for each key in a folder for each area, replaced in one step.
class Memory {
public:
    Memory(WorkerPool& workers, std::string folder, std::size_t limit)
        : workers_(workers), folder_(std::move(folder)), limit_(limit) {}

    Task<Result<void>> remember(ipc::Remember wish);
    Task<Result<void>> forget(ipc::Forget wish);
    Task<Result<ipc::RecallReply>> recall(ipc::Recall wish);

private:
    WorkerPool& workers_;
    std::string folder_;
    std::size_t limit_;  ///< keys in one area
};

/// Fit for a file name of ours: no way out of the folder, nothing hidden.
bool is_memory_name(std::string_view name);

}  // namespace facteur::policyd
