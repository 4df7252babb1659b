#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lmtp-local/users.h"

namespace facteur::lmtp_local {

/// Makes what was written durable in batches: one flush for all mailboxes of a file system.
class Flusher {
public:
    /// One job whose results called recipients `written`.
    struct Job {
        std::uint64_t job = 0;
        std::string queue_id;
    };
    using Flushed = std::function<void(std::vector<Job>)>;

    Flusher(Milliseconds delay, std::size_t most, Flushed flushed)
        : delay_(delay), most_(most), flushed_(std::move(flushed)) {}

    /// Something was written for this user.
    void touched(const std::shared_ptr<User>& user);
    /// The job is on disk after the next flush.
    void add(Job job);
    /// Flushes until the scope is cancelled; spawn it once.
    Task<void> run();
    /// Returns when nothing waits any more.
    Task<void> drain();
    std::size_t waiting() const { return jobs_.size() + flushing_; }
    Scope& scope() { return scope_; }

private:
    Task<bool> flush_all();

    const Milliseconds delay_;
    const std::size_t most_;
    const Flushed flushed_;
    std::vector<Job> jobs_;
    std::size_t flushing_ = 0;
    bool hurry_ = false;
    std::map<std::uint64_t, std::shared_ptr<User>> domains_;  ///< one user of each file system
    Signal work_;
    Signal hurried_;
    Signal done_;
    Scope scope_;  ///< last: its tasks use all of the above
};

}  // namespace facteur::lmtp_local
