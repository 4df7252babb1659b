#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

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
    /// Would a message of this size be over quota?
    virtual Task<Result<void>> has_room(std::uint64_t) { co_return Result<void>(); }
    /// Commands of the quota warnings that appends made due.
    std::vector<std::string> take_warnings();

protected:
    void add_warning(const std::string& command);

private:
    std::mutex mutex_;
    std::vector<std::string> warnings_;
};

/// The store of somebody who this process is.
Task<Result<std::unique_ptr<Letterbox>>> open_own_letterbox(std::string location,
                                                            store::Options options,
                                                            WorkerPool& workers);
/// The Maildir of somebody else, by a process that is that user.
std::unique_ptr<Letterbox> open_letterbox_of(Identity who, std::string location,
                                             store::Options options, Hands& hands,
                                             WorkerPool& workers);

}  // namespace facteur::lmtp_local
