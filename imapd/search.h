#pragma once

#include <cstdint>
#include <vector>

#include "imapd/query.h"
#include "lib/event/scope.h"
#include "lib/event/task.h"
#include "lib/event/worker.h"

namespace facteur::imapd {

/// One SEARCH command.  Most keys are answered from the index, some from what the store knows of
/// the header; only what is left open is read, in a worker thread.
class Search {
public:
    Search(store::Mailbox& mailbox, WorkerPool& workers, Scope& scope, Query query);

    /// Sequence numbers, ascending.
    Task<Result<std::vector<std::uint32_t>>> run();

private:
    Task<Result<Answer>> look(std::uint32_t sequence);
    Task<Result<Answer>> read(Candidate candidate, const mime::Part* structure);
    Task<Result<void>> measure();

    store::Mailbox& mailbox_;
    WorkerPool& workers_;
    Scope& scope_;
    Query query_;
    bool asks_fields_;
};

}  // namespace facteur::imapd
