#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/ways/delivery.h"

namespace facteur::ipc {

/// A delivery agent's side of the talk with qmgr (ways/delivery.h): takes jobs, has them worked on
/// side by side, and remembers what became of each until a qmgr has recorded it, so that a qmgr
/// that is restarted sends nothing twice.
///
/// A process that drains may need long for what it has begun, and no later qmgr comes to it: it
/// connects to its successor, which speaks for it from then on, with a Hello of its own.
class AgentTalk {
public:
    /// Results that are final before the job is.
    using Progress = std::function<void(std::vector<RecipientResult>)>;
    /// Works on one job; returns its last report, with the results that Progress has not had.
    using Work = std::function<Task<JobReport>(Job, Fd content, Progress)>;

    /// Jobs run in `scope`; the connections of qmgr live in `talking`.
    AgentTalk(Scope& scope, Scope& talking, std::uint32_t job_limit, Work work);

    /// One connection of qmgr, or of a predecessor of this process, until it goes away.
    Task<void> serve(Fd connection);
    /// Asks for no more jobs, and returns when those that were begun are done.  `successor` is the
    /// socket where the next process of this service answers; empty: there is none before this
    /// one has ended.
    Task<void> finish(std::string successor = std::string());
    /// Until qmgr has recorded all reports, `patience` has passed (that is logged), or, unless a
    /// successor of qmgr is worth waiting for, qmgr is gone.
    Task<void> recorded(Milliseconds patience, bool wait_for_successor);

    /// Waits until somebody hears what becomes of a message: what is done while no qmgr lives is
    /// known to this process alone, and is done again when this process dies too.  So nothing new
    /// should begin while a qmgr is replaced, which takes moments; without one for long, or at the
    /// end, it is better to go on than to wait.
    Task<void> heard();

    /// What this job's report says; nullptr: qmgr has recorded it.
    JobReport* report(std::uint64_t job);
    /// False: there is no qmgr now.
    bool has_qmgr() const {
        return std::ranges::any_of(parties_, [](const Party* party) { return party->told; });
    }
    template <class M>
    void tell(const M& message) {
        for (Party* party : parties_) {
            if (party->told) party->channel.put(M::kName, 0, encode(message));
        }
    }

    std::size_t running() const { return running_.size(); }
    std::size_t unsettled() const { return reports_.size(); }
    /// Deliveries that wait in heard().
    std::size_t waiting() const { return waiting_; }

    /// A qmgr has connected, and was told of everything.
    std::function<void()> connected = nullptr;
    /// qmgr has been told the last of a job.
    std::function<void(const JobReport&)> completed = nullptr;

private:
    /// Who is at the other end of a connection.
    struct Party {
        Party(AgentTalk& its_talk, Fd connection)
            : talk(its_talk), scope(talk.talking_), channel(scope, std::move(connection)) {
            talk.parties_.push_back(this);
        }
        ~Party() { std::erase(talk.parties_, this); }
        Party(const Party&) = delete;
        Party& operator=(const Party&) = delete;
        AgentTalk& talk;
        Scope scope;
        Channel channel;
        bool told = false;         ///< qmgr, or who speaks for us to qmgr
        bool predecessor = false;  ///< we speak for it
    };

    AgentHello hello() const;
    void obey(Party& from, Frame frame);
    void settle(Party& from, const JobSettled& settled);
    void inherit(Party& from, AgentHello hello);
    void take_inherited(JobReport report);
    void lose(const Party& predecessor);
    Task<void> follow(std::string successor);
    Task<void> introduce(std::string successor);
    void begin(Job job, Fd content);
    Task<void> work(Job job, Fd content);
    void note(std::uint64_t job, std::vector<RecipientResult> results);

    Scope& scope_;
    Scope& talking_;
    const std::uint32_t job_limit_;
    const Work work_;
    std::vector<Party*> parties_;
    Party* successor_ = nullptr;
    std::map<std::uint64_t, Party*> inherited_;  ///< jobs that a predecessor works on
    std::map<std::uint64_t, RunningJob> running_;
    std::map<std::uint64_t, JobReport> reports_;  ///< that no qmgr has recorded
    Signal changed_;
    std::size_t waiting_ = 0;
    bool draining_ = false;
    Scope jobs_;  ///< last: its tasks use all of the above
};

}  // namespace facteur::ipc
