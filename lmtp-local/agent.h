#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "lib/ipc/agent_talk.h"
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
    Task<void> serve(Fd connection) { return talk_.serve(std::move(connection)); }
    /// These jobs (those among them that are ours) are on disk, or, with an Error, are to be
    /// repeated by qmgr.
    void flushed(const std::vector<Flusher::Job>& jobs, const Result<void>& result);
    /// No more jobs; returns when all is reported and recorded.
    Task<void> drain();

    std::size_t running() const { return talk_.running(); }
    std::size_t unsettled() const { return talk_.unsettled(); }

private:
    Task<ipc::JobReport> work(ipc::Job job, Fd content);
    void completed(const ipc::JobReport& report);
    void log(const ipc::Job& job, const ipc::JobRecipient& recipient,
             const ipc::RecipientResult& result, std::int64_t started) const;
    void tell_flushed();
    void take_back(std::uint64_t job, const Error& error);

    const Kind kind_;
    const std::string relay_;
    Deliverer& deliverer_;
    Flusher& flusher_;
    std::map<std::uint64_t, std::set<std::uint64_t>> written_;  ///< file systems by running job
    std::map<std::uint64_t, std::string> unflushed_;            ///< queue ids by job
    ipc::JobsFlushed told_;                                     ///< waits for a connection
    ipc::AgentTalk talk_;  ///< last: its tasks use all of the above
};

}  // namespace facteur::lmtp_local
