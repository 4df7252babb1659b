#pragma once

#include <cstdint>
#include <string>

#include "imapd/output.h"
#include "lib/base/time.h"
#include "lib/event/task.h"

namespace facteur::imapd {

/// Tells a client that waits how far its command has come (RFC 9585 section 4), and gives others
/// their turn.
class Progress {
public:
    /// `out` must outlive it.
    Progress(Output& out, std::string tag, Milliseconds interval);

    /// After each of `total` steps.
    Task<void> step(std::uint64_t done, std::uint64_t total);

private:
    Output& out_;
    std::string tag_;
    Milliseconds interval_;
    TimePoint next_;
};

}  // namespace facteur::imapd
