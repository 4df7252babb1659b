#pragma once

#include <cstdint>
#include <string>

#include "lib/event/scope.h"
#include "lib/ipc/agent_talk.h"
#include "smtp-client/delivery.h"

namespace facteur::smtp_client {

/// The jobs that qmgr gives to one process.
class Agent {
public:
    /// path: of the socket where this process is found, and its successor will be.
    Agent(Surroundings& surroundings, std::uint32_t job_limit, std::string path = std::string());
    ~Agent() { around_.heard = nullptr; }
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    /// One connection of qmgr, until it goes away.
    Task<void> serve(Fd connection) { return talk_.serve(std::move(connection)); }
    /// Asks for no more jobs, leaves to its successor what it knows, finishes what is begun, waits
    /// for qmgr to record it, hangs up.
    Task<void> drain();

    std::size_t running() const { return talk_.running(); }
    std::size_t unsettled() const { return talk_.unsettled(); }
    /// Messages that are not sent yet, for no qmgr would hear of it.
    std::size_t waiting() const { return talk_.waiting(); }

private:
    Task<ipc::JobReport> work(ipc::Job job, Fd content, ipc::AgentTalk::Progress progress);

    Surroundings& around_;
    std::string path_;
    Scope talking_;  ///< the connections of qmgr; without tasks of its own
    ipc::AgentTalk talk_;
};

}  // namespace facteur::smtp_client
