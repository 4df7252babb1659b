#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/scope.h"
#include "qmgr/agent.h"
#include "qmgr/scheduler.h"

namespace facteur::qmgr {

/// Brings jobs to the delivery agents and their results back into the messages.
///
/// An agent is asked first what it did for a former qmgr (its Hello), and a message's recipients
/// that are in there are adopted instead of sent again: killing qmgr delivers nothing twice.
class Dispatcher {
public:
    /// What the owner of the messages does.
    class Owner {
    public:
        virtual ~Owner() = default;
        /// A descriptor for one job, from message.content or from the spool.
        virtual Task<Result<Fd>> lend(Message& message) = 0;
        /// Is it in the queue, in memory or on the disk?
        virtual bool knows(const std::string& queue_id) const = 0;
    };

    Dispatcher(const Settings& settings, Scope& scope, Owner& owner,
               std::string folder = "private/");
    ~Dispatcher();

    /// Recipients of the message for one destination, in as many jobs as its limits want.  When
    /// the destination is dead they are put off at once.
    void add(Message& message, const std::string& transport, const std::string& nexthop,
             const std::vector<std::size_t>& recipients);
    /// The results in message.reports are recorded.
    static void settle(Message& message);
    /// No destination is left alone any longer.
    void revive();
    /// Waits for the agents' ends no longer; jobs stay with them.
    void stop() { running_.cancel(); }
    std::size_t transports() const { return lines_.size(); }

private:
    struct Line;  ///< a transport with the agents that serve it

    Line& line(const std::string& name);
    Task<void> run(Line& line);
    Task<bool> connect(Line& line, std::shared_ptr<Agent>& agent);
    void greet(Agent& agent, ipc::AgentHello hello) const;
    Task<void> feed(Line& line, std::shared_ptr<Agent> agent);
    Task<void> send(Line& line, std::shared_ptr<Agent> agent, std::unique_ptr<Job> job);
    Task<void> listen(Line& line, std::shared_ptr<Agent> agent);
    void adopt(Line& line, const std::shared_ptr<Agent>& agent, Job& job);
    void report(Line& line, const std::shared_ptr<Agent>& agent, ipc::JobReport report);
    void take_results(Job& job, ipc::JobReport& report);
    void take_back(const std::shared_ptr<Agent>& agent, Job& job, ipc::JobReport& report);
    void flushed(const std::shared_ptr<Agent>& agent, const ipc::JobsFlushed& flushed);
    void lost(Line& line, Agent& agent);
    void finish(const std::shared_ptr<Agent>& agent, std::uint64_t number);
    void give_up(Line& line);
    static void put_off(Job& job, const spool::Progress& reason);
    static void close_content(Message& message);

    const Settings& settings_;
    Owner& owner_;
    std::string folder_;
    std::uint64_t last_number_;
    std::map<std::string, std::unique_ptr<Line>> lines_;
    Scope running_;
};

}  // namespace facteur::qmgr
