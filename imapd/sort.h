#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "imapd/progress.h"
#include "lib/event/task.h"
#include "lib/event/worker.h"
#include "lib/imap/sort.h"
#include "lib/store/store.h"

namespace facteur::imapd {

/// RFC 5256 over what the store keeps of each message: no message is read.  Gathering gives others
/// their turn, comparing happens in a worker thread.
class Sorter {
public:
    /// All must outlive it.
    Sorter(store::Mailbox& mailbox, WorkerPool& workers, Progress& progress)
        : mailbox_(mailbox), workers_(workers), progress_(progress) {}

    /// The sequence numbers in their new order; what has vanished meanwhile is left out.
    Task<Result<std::vector<std::uint32_t>>> sort(std::vector<std::uint32_t> sequences,
                                                  std::vector<imap::SortKey> keys);
    /// The lists of a THREAD response.
    Task<Result<std::string>> thread(std::vector<std::uint32_t> sequences,
                                     imap::ThreadAlgorithm algorithm, bool by_uid);

private:
    using Visit = std::function<void(std::uint32_t sequence, const store::Message& message,
                                     const store::SummaryView* view)>;
    /// Shows the messages that are there, with the summary if it `reads`.
    Task<Result<void>> each(const std::vector<std::uint32_t>& sequences, bool reads,
                            const Visit& visit);
    Task<Result<void>> read(std::uint32_t sequence, store::Message message, const Visit& visit);

    store::Mailbox& mailbox_;
    WorkerPool& workers_;
    Progress& progress_;
};

}  // namespace facteur::imapd
