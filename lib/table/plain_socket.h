#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "lib/base/fd.h"
#include "lib/base/result.h"

namespace facteur::table {

/// A connection for worker threads: every call blocks, until its time is over.
class PlainSocket {
public:
    /// "inet:host:port", "inet:[::1]:port", "unix:/path", or "host:port".
    static Result<PlainSocket> connect(const std::string& place, std::chrono::milliseconds time);

    /// For everything that follows, until it is set again.
    void set_time(std::chrono::milliseconds time);
    Result<void> send(std::string_view text);
    /// Up to and without the LF.
    Result<std::string> read_line(std::size_t limit);
    Result<std::string> read_until(char end, std::size_t limit);
    Result<std::string> read_exactly(std::size_t bytes);
    bool has_input() const { return !input_.empty(); }

private:
    Result<void> wait_for(short events);
    Result<void> read_more();

    Fd fd_;
    std::string input_;
    std::chrono::steady_clock::time_point deadline_{};
};

}  // namespace facteur::table
