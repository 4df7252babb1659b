// How an agent's process that drains leaves what it knows to the one that follows it.
#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"
#include "lib/ipc/agent_talk.h"
#include "lib/ipc/client.h"

namespace facteur::ipc {
namespace {

constexpr Milliseconds kAgain{250};
constexpr Seconds kIntroduction{30};
/// qmgr hears of the jobs from the successor before it sees this process go.
constexpr Milliseconds kFarewell{250};

}  // namespace

/// Until there is nothing more to tell: the successor may have successors itself.
Task<void> AgentTalk::follow(std::string successor) {
    while (!running_.empty() || !reports_.empty()) {
        try {
            co_await introduce(successor);
        } catch (const Cancelled&) {
            throw;
        } catch (const Disconnect&) {
        }
        co_await Sleep(talking_, kAgain);
    }
}

/// The successor is to us what qmgr was: it is told everything and says what is recorded.  qmgr
/// itself must not have the same from two sides, or it would keep what it has dealt with.
Task<void> AgentTalk::introduce(std::string successor) {
    Fd socket = connect_unix(successor);
    if (!socket) co_return;
    Party party(*this, std::move(socket));
    const TimePoint deadline = Loop::current().now() + kIntroduction;
    co_await party.channel.receive(deadline);  // what it says to a qmgr
    party.channel.put(AgentHello::kName, 0, encode(hello()));
    for (Party* qmgr : parties_)
        qmgr->told = false;
    party.told = true;
    successor_ = &party;
    try {
        Frame heard = co_await party.channel.receive(deadline);
        settle(party, decode<JobSettled>(heard.body).value_or(JobSettled()));
        co_await Sleep(talking_, kFarewell);
        for (Party* other : parties_) {
            if (other != &party && !other->predecessor) other->scope.cancel();
        }
        for (;;) {
            Frame frame = co_await party.channel.receive();
            obey(party, std::move(frame));
        }
    } catch (const Disconnect&) {
        successor_ = nullptr;
        throw;
    }
}

/// A predecessor's jobs and results are told as our own.
void AgentTalk::inherit(Party& from, AgentHello hello) {
    from.told = false;
    from.predecessor = true;
    for (const JobReport& report : hello.unsettled) {
        inherited_[report.job] = &from;
        reports_[report.job] = report;
    }
    for (const RunningJob& running : hello.running) {
        inherited_[running.job] = &from;
        running_[running.job] = running;
    }
    hello.job_limit = job_limit_;
    tell(hello);
    from.channel.put(JobSettled::kName, 0, encode(JobSettled()));  // that it was heard
    changed_.notify_all();
}

void AgentTalk::take_inherited(JobReport report) {
    if (report.complete) running_.erase(report.job);
    tell(report);
    const std::uint64_t job = report.job;
    reports_[job] = std::move(report);
    changed_.notify_all();
}

void AgentTalk::settle(Party& from, const JobSettled& settled) {
    for (std::uint64_t job : settled.jobs) {
        JobSettled one;
        one.jobs.push_back(job);
        // To the one that does not know yet: the predecessor that had the job, or the successor.
        Party* other = successor_ && successor_ != &from ? successor_ : nullptr;
        if (auto heir = inherited_.extract(job)) other = heir.mapped();
        if (other && other != &from) other->channel.put(JobSettled::kName, 0, encode(one));
        reports_.erase(job);
    }
    changed_.notify_all();
}

/// What a predecessor took with it is deferred, as when the agent of a job ends.
void AgentTalk::lose(const Party& predecessor) {
    for (auto at = inherited_.begin(); at != inherited_.end();) {
        const std::uint64_t job = at->first;
        if (at->second != &predecessor) {
            ++at;
            continue;
        }
        at = inherited_.erase(at);
        auto running = running_.extract(job);
        if (!running) continue;
        JobReport& report = reports_[job];
        report.job = job;
        report.queue_id = running.mapped().queue_id;
        report.complete = true;
        tell(report);
    }
}

}  // namespace facteur::ipc
