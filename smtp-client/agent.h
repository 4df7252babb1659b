#pragma once

#include <cstdint>
#include <map>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/ipc/channel.h"
#include "smtp-client/delivery.h"

namespace facteur::smtp_client {

/// The talk with qmgr: takes jobs, runs them side by side, and remembers what became of each until
/// a qmgr has recorded it, so that a qmgr that is restarted sends nothing twice.
class Agent {
public:
    Agent(Surroundings& surroundings, std::uint32_t job_limit)
        : around_(surroundings),
          job_limit_(job_limit),
          talking_(surroundings.scope),
          deliveries_(surroundings.scope) {
        surroundings.heard = [this] { return heard(); };
    }
    ~Agent() { around_.heard = nullptr; }
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    /// One connection of qmgr, until it goes away.
    Task<void> serve(Fd connection);
    /// Asks for no more jobs, finishes what is begun, waits for qmgr to record it, hangs up.
    Task<void> drain();

    std::size_t running() const { return running_.size(); }
    std::size_t unsettled() const { return reports_.size(); }
    /// Messages that are not sent yet, for no qmgr would hear of it.
    std::size_t waiting() const { return waiting_; }

private:
    ipc::AgentHello hello() const;
    void obey(ipc::Frame frame);
    void begin(ipc::Job job, Fd content);
    Task<void> work(ipc::Job job, Fd content);
    void note(std::uint64_t job, std::vector<ipc::RecipientResult> results);
    void send(const ipc::JobReport& report);
    Task<void> heard();

    Surroundings& around_;
    std::uint32_t job_limit_;
    ipc::Channel* qmgr_ = nullptr;
    std::map<std::uint64_t, ipc::RunningJob> running_;
    std::map<std::uint64_t, ipc::JobReport> reports_;  ///< that no qmgr has recorded
    Signal changed_;
    std::size_t waiting_ = 0;
    bool draining_ = false;
    Scope talking_;  ///< the connections of qmgr; without tasks of its own
    Scope deliveries_;
};

}  // namespace facteur::smtp_client
