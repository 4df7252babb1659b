#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lmtp-local/users.h"

namespace facteur::lmtp_local {

/// Makes what was written durable in batches: one flush for all mailboxes of a file system.  A
/// flush that fails is told to those jobs that wrote there, and to nobody else.
class Flusher {
public:
    /// One job whose results called recipients `written`.
    struct Job {
        std::uint64_t job = 0;
        std::string queue_id;
        std::set<std::uint64_t> domains;  ///< what touched() said of its recipients
    };
    /// These jobs are on disk; or, with an Error, may be lost.
    using Told = std::function<void(const std::vector<Job>&, const Result<void>&)>;

    Flusher(Milliseconds delay, std::size_t most, Told tell)
        : delay_(delay), most_(most), tell_(std::move(tell)) {}

    /// Something was written for this user; the file system it is in.
    std::uint64_t touched(const std::shared_ptr<User>& user);
    /// The job is on disk after the next flush.
    void add(Job job);
    /// Flushes until the scope is cancelled; spawn it once.
    Task<void> run();
    /// Returns when nothing waits any more.
    Task<void> drain();
    std::size_t waiting() const { return jobs_.size() + flushing_; }
    /// When a flush failed last (microseconds since the epoch; 0: never): older mail may be there
    /// already, in memory if not on disk.
    std::int64_t failed_at() const { return failed_at_; }
    Scope& scope() { return scope_; }

private:
    using Failures = std::map<std::uint64_t, Error>;
    Task<Failures> flush_all();
    void tell(std::vector<Job> batch, const Failures& failures);

    const Milliseconds delay_;
    const std::size_t most_;
    const Told tell_;
    std::vector<Job> jobs_;
    std::size_t flushing_ = 0;
    std::int64_t failed_at_ = 0;
    bool hurry_ = false;
    std::map<std::uint64_t, std::shared_ptr<User>> domains_;  ///< one user of each file system
    Signal work_;
    Signal hurried_;
    Signal done_;
    Scope scope_;  ///< last: its tasks use all of the above
};

}  // namespace facteur::lmtp_local
