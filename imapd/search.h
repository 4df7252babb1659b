#pragma once

#include <cstdint>
#include <vector>

#include "imapd/progress.h"
#include "imapd/query.h"
#include "lib/event/task.h"
#include "lib/event/worker.h"

namespace facteur::imapd {

/// One SEARCH command.  Most keys are answered from the index, some from what the store knows of
/// the header; only what is left open is read, in a worker thread.
class Search {
public:
    /// All but the query must outlive it.
    Search(store::Mailbox& mailbox, WorkerPool& workers, Progress& progress, Query query);

    /// Sequence numbers, ascending, of `first` and above.
    Task<Result<std::vector<std::uint32_t>>> run(std::uint32_t first = 1);

    /// Those of these messages.
    Task<Result<std::vector<std::uint32_t>>> among(std::vector<std::uint32_t> sequences);

private:
    Task<Result<std::vector<std::uint32_t>>> ask(std::vector<std::uint32_t> sequences);
    Answer look_quickly(std::uint32_t sequence) const;
    Task<Result<void>> look_closely(std::vector<std::uint32_t> sequences,
                                    std::vector<std::uint32_t>& found);
    Task<Result<void>> measure();

    store::Mailbox& mailbox_;
    WorkerPool& workers_;
    Progress& progress_;
    Query query_;
    bool asks_fields_;
};

}  // namespace facteur::imapd
