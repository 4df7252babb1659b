#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/event/worker.h"
#include "lib/store/store.h"
#include "lmtp-local/hands.h"

namespace facteur::lmtp_local {

/// Where one user's mail is put: the INBOX of a store, and nothing else of it.
class Letterbox {
public:
    virtual ~Letterbox() = default;
    virtual Task<Result<void>> append(store::NewMessage message) = 0;
    /// What was appended with Durability::later is on disk, in all letterboxes of the domain.
    virtual Task<Result<void>> flush() = 0;
    /// A number of the file system, known once something was appended.
    virtual std::uint64_t flush_domain() const = 0;
};

/// The store of somebody who this process is.
Task<Result<std::unique_ptr<Letterbox>>> open_own_letterbox(std::string location,
                                                            store::Options options,
                                                            WorkerPool& workers);
/// The Maildir of somebody else, by a process that is that user.
std::unique_ptr<Letterbox> open_letterbox_of(Identity who, std::string location,
                                             std::string hostname, Hands& hands,
                                             WorkerPool& workers);

}  // namespace facteur::lmtp_local
