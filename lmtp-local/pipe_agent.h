#pragma once

#include <string>

#include "lib/event/worker.h"
#include "lib/ipc/agent_talk.h"
#include "lib/ipc/client.h"
#include "lmtp-local/hands.h"
#include "lmtp-local/pipe_options.h"
#include "lmtp-local/settings.h"

namespace facteur::lmtp_local {

/// The talk with qmgr for a pipe transport: one command for each job, whatever number of recipients
/// it has.
class PipeAgent {
public:
    /// service: the transport's name in master.cf; who: whom the command runs as, or why nobody.
    PipeAgent(Scope& scope, Scope& sessions, std::string service, const Settings& settings,
              const PipeOptions& options, WorkerPool& workers, Hands& hands, Result<Identity> who);

    /// One connection of qmgr, until it goes away.
    Task<void> serve(Fd connection) { return talk_.serve(std::move(connection)); }
    /// No more jobs; returns when all are done and recorded.
    Task<void> drain();

    std::size_t running() const { return talk_.running(); }
    std::size_t unsettled() const { return talk_.unsettled(); }

private:
    Task<ipc::JobReport> work(ipc::Job job, Fd content);
    Task<ipc::RecipientResult> outcome(const ipc::Job& job, Fd content);
    Task<Result<void>> obstacle(const ipc::Job& job, int content);
    PipeTask task_for(const ipc::Job& job) const;
    void log(const ipc::Job& job, const ipc::JobRecipient& recipient,
             const ipc::RecipientResult& result, std::int64_t started) const;

    const std::string service_;
    const Settings& settings_;
    const PipeOptions& options_;
    WorkerPool& workers_;
    Hands& hands_;
    const Result<Identity> who_;
    ipc::Client addressd_;
    ipc::AgentTalk talk_;  ///< last: its tasks use all of the above
};

}  // namespace facteur::lmtp_local
