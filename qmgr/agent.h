#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/ipc/channel.h"
#include "lib/ipc/ways/delivery.h"
#include "qmgr/message.h"

namespace facteur::qmgr {

/// One connection to a process that delivers: its books of jobs, from its Hello to its end.
class Agent {
public:
    Agent(Scope& scope, Fd socket) : channel_(scope, std::move(socket)) {}

    ipc::Channel& channel() { return channel_; }
    /// Takes the Hello: what former qmgr processes were not told, or did not record.
    void greet(ipc::AgentHello hello);
    bool has_room() const { return working_ < limit_; }
    bool usable() const { return !draining_ && !gone_; }
    void drain() { draining_ = true; }

    /// A job that is the agent's from now on.
    void add(std::unique_ptr<Job> job);
    /// What the Hello said of this message; each is given once.
    std::vector<ipc::JobReport> take_reports(const std::string& queue_id);
    std::vector<ipc::RunningJob> take_running(const std::string& queue_id);
    /// A report of a message that has no job here: it waits for its message to be tried again.
    /// The last one of a job counts.
    void keep(ipc::JobReport report);
    /// Queue ids of which take_reports() would give something.
    std::vector<std::string> kept() const;

    /// The job with this number; nullptr when there is none.
    Job* find(std::uint64_t number);
    /// It delivers no more: its place is free.
    void completed() { --working_; }
    std::unique_ptr<Job> take(std::uint64_t number);
    /// The report was recorded: the agent may forget it.
    void settle(std::uint64_t number);
    /// The connection broke: these jobs were the agent's.
    std::vector<std::unique_ptr<Job>> lost();

private:
    ipc::Channel channel_;
    std::map<std::uint64_t, std::unique_ptr<Job>> jobs_;
    std::map<std::string, std::vector<ipc::JobReport>> reports_;
    std::map<std::string, std::vector<ipc::RunningJob>> running_;
    std::size_t limit_ = 0;
    std::size_t working_ = 0;
    bool draining_ = false;
    bool gone_ = false;
};

}  // namespace facteur::qmgr
