#pragma once

#include <cstdint>
#include <string>

#include "lib/event/task.h"
#include "lib/net/stream.h"

namespace facteur::imapd {

/// One command as it came in.
struct Incoming {
    std::string text;   ///< without the last line end, literals included, as imap::Scanner wants it
    std::string error;  ///< not empty: nothing to do but to answer BAD with it
    bool fatal = false;  ///< what the client sends next cannot be told from a literal: BYE
};

/// Reads commands, asking for their literals (RFC 3501 section 4.3, RFC 7888).  It stops in front
/// of the message of an APPEND, which is not for the memory.
class CommandReader {
public:
    /// `limit` bytes for one command with its literals.
    CommandReader(Stream& stream, std::size_t limit) : stream_(stream), limit_(limit) {}

    Task<Incoming> next();
    /// After APPEND's message: what follows it on the line, which should be nothing.
    Task<std::string> rest_of_line();
    std::uint64_t received() const { return received_; }
    void count(std::uint64_t bytes) { received_ += bytes; }

private:
    Task<void> literal(std::uint64_t size, bool synchronizing, Incoming& incoming);

    Stream& stream_;
    std::size_t limit_;
    std::uint64_t received_ = 0;
};

}  // namespace facteur::imapd
