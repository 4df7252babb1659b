#pragma once

#include <cstdint>
#include <string_view>

#include "lib/event/task.h"
#include "lib/imap/structure.h"
#include "lib/net/stream.h"

namespace facteur::imapd {

/// What goes to the client: bounded, counted, and with a deadline for each block rather than for
/// the whole, since an answer can be as large as the mailbox.
class Output {
public:
    Output(Stream& stream, Milliseconds block_timeout)
        : stream_(stream), block_timeout_(block_timeout) {}

    void put(std::string_view text);
    /// Sends what has gathered when that is enough for a block.
    Task<void> room();
    Task<void> flush();
    /// Bytes of a file, in blocks.
    Task<void> file(int fd, imap::Span span);
    std::uint64_t sent() const { return sent_; }

private:
    Stream& stream_;
    Milliseconds block_timeout_;
    std::uint64_t sent_ = 0;
};

}  // namespace facteur::imapd
