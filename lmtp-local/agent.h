#pragma once

#include <map>
#include <string>

#include "lib/event/signal.h"
#include "lib/ipc/channel.h"
#include "lmtp-local/deliverer.h"
#include "lmtp-local/flusher.h"

namespace facteur::lmtp_local {

/// The talk with qmgr for one service (virtual or local): takes jobs, reports what was written,
/// and when it is on disk.  What qmgr has not recorded is remembered for its successor.
class Agent {
public:
    enum class Kind { virtual_users, system_users };

    /// Deliveries run in `scope`, the talk itself in `sessions`, which ends it after drain().
    Agent(Scope& scope, Scope& sessions, Kind kind, Deliverer& deliverer, Flusher& flusher,
          std::uint32_t job_limit);

    /// One connection of qmgr, until it goes away.
    Task<void> serve(Fd connection);
    /// These jobs (those among them that are ours) are on disk, or, with an Error, are to be
    /// repeated by qmgr.
    void flushed(const std::vector<Flusher::Job>& jobs, const Result<void>& result);
    /// No more jobs; returns when all is reported and recorded.
    Task<void> drain();

    std::size_t running() const { return running_.size(); }
    std::size_t unsettled() const { return reports_.size(); }

private:
    ipc::AgentHello hello() const;
    void obey(ipc::Frame frame);
    void begin(ipc::Job job, Fd content);
    Task<void> work(ipc::Job job, Fd content);
    void log(const ipc::Job& job, const ipc::JobRecipient& recipient,
             const ipc::RecipientResult& result, std::int64_t started) const;
    void tell_flushed();
    void take_back(std::uint64_t job, const Error& error);

    Scope& scope_;
    Scope& sessions_;
    const Kind kind_;
    const std::string relay_;
    Deliverer& deliverer_;
    Flusher& flusher_;
    const std::uint32_t job_limit_;
    ipc::Channel* qmgr_ = nullptr;
    std::map<std::uint64_t, ipc::RunningJob> running_;
    std::map<std::uint64_t, ipc::JobReport> reports_;  ///< that no qmgr has recorded
    std::map<std::uint64_t, std::string> unflushed_;   ///< queue ids by job
    ipc::JobsFlushed told_;                            ///< waits for a connection
    Signal changed_;
    Scope deliveries_;  ///< last: its tasks use all of the above
};

}  // namespace facteur::lmtp_local
