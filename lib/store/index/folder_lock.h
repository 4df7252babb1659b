#pragma once

#include <cstdint>
#include <string>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/time.h"

namespace facteur::store::index {

/// What must survive everything else: the folder's UIDVALIDITY, and the UID below which every UID
/// may have been shown to somebody.
struct Reservation {
    std::uint32_t uid_validity = 0;  ///< 0: none yet
    std::uint32_t limit = 1;
};

/// The lock of one folder between processes, and its `facteur.uids`: two lines of 64 bytes,
/// written in turn, so that one of them is whole after any crash.  The file is never replaced.
class FolderLock {
public:
    FolderLock() = default;
    /// Waits for other holders, at most `patience`; blocks, so only in a worker thread.
    /// `dir` missing is a permanent Error with status 5.1.1.
    static Result<FolderLock> take(const std::string& dir, unsigned file_mode,
                                   Milliseconds patience = std::chrono::seconds(30));

    const Reservation& reservation() const { return reservation_; }
    /// Durable when it returns, if `flush`.
    Result<void> reserve(const Reservation& reservation, bool flush = true);

private:
    void read();

    Fd fd_;
    std::string dir_;
    Reservation reservation_;
    std::uint64_t sequence_ = 0;
};

/// The lines of facteur.uids, for tests: format and parse one.
std::string format_reservation(const Reservation& reservation, std::uint64_t sequence);
/// False when the line is broken.
bool parse_reservation(std::string_view line, Reservation& reservation, std::uint64_t& sequence);

}  // namespace facteur::store::index
