#pragma once

#include <optional>
#include <string>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lmtp-local/tasks.h"

namespace facteur::lmtp_local {

/// The small process beside lmtp-local that alone can become somebody else: for each Identity it
/// is sent, it forks a hand (hand.h) that is that user for good.  It never sees mail, and knows no
/// paths.  Forked while lmtp-local has no threads, no connections and nobody's data in its memory,
/// so that its children begin clean; lmtp-local itself needs no privileges.
///
/// When lmtp-local goes, however it goes, the broker kills its hands: what they do would be
/// repeated by a successor at the same time.
class Broker {
public:
    /// Forks it; the calling process must have one thread.  owner: whom it becomes, who is root,
    /// with nothing but the right to become others; without, its hands are who we are.
    /// root: the folder that is its root directory and that of its hands; empty: as ours.
    static Result<Broker> start(const std::optional<Identity>& owner,
                                const std::string& root = std::string());

    /// A new hand: our end of its socket (non-blocking).  A refused identity is a hand that ends
    /// without a word.
    Result<Fd> hand(const Identity& identity) const;
    bool is_privileged() const { return privileged_; }

private:
    Broker(Fd socket, bool is_privileged)
        : socket_(std::move(socket)), privileged_(is_privileged) {}
    Fd socket_;
    bool privileged_;
};

}  // namespace facteur::lmtp_local
