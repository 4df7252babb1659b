#include "lib/ipc/agent_talk.h"

#include <iterator>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"

namespace facteur::ipc {

AgentTalk::AgentTalk(Scope& scope, Scope& talking, std::uint32_t job_limit, Work work)
    : scope_(scope),
      talking_(talking),
      job_limit_(job_limit),
      work_(std::move(work)),
      jobs_(scope) {}

AgentHello AgentTalk::hello() const {
    AgentHello hello;
    hello.job_limit = job_limit_;
    for (const auto& [job, report] : reports_)
        hello.unsettled.push_back(report);
    for (const auto& [job, running] : running_)
        hello.running.push_back(running);
    return hello;
}

Task<void> AgentTalk::serve(Fd connection) {
    // Until it says otherwise it is a qmgr; a second one succeeds the first, which is about to end.
    Party party(*this, std::move(connection));
    party.channel.put(AgentHello::kName, 0, encode(hello()));
    party.told = true;
    if (connected) connected();
    changed_.notify_all();
    try {
        for (;;) {
            Frame frame = co_await party.channel.receive();
            obey(party, std::move(frame));
        }
    } catch (const Disconnect&) {
    }
    party.told = false;
    lose(party);
    changed_.notify_all();
}

void AgentTalk::obey(Party& from, Frame frame) {
    if (frame.name == Job::kName) {
        auto job = decode<Job>(frame.body);
        if (job && (job->verify || !frame.fds.empty())) {
            Fd content = frame.fds.empty() ? Fd() : std::move(frame.fds.front());
            begin(*std::move(job), std::move(content));
            return;
        }
    } else if (frame.name == JobSettled::kName) {
        if (auto settled = decode<JobSettled>(frame.body)) {
            settle(from, *settled);
            return;
        }
    } else if (frame.name == AgentHello::kName) {
        if (auto hello = decode<AgentHello>(frame.body)) {
            inherit(from, *std::move(hello));
            return;
        }
    } else if (frame.name == JobReport::kName) {
        if (auto report = decode<JobReport>(frame.body)) {
            take_inherited(*std::move(report));
            return;
        }
    }
    log_warning("unexpected message from qmgr: " + frame.name);
}

void AgentTalk::begin(Job job, Fd content) {
    RunningJob& running = running_[job.job];
    running.job = job.job;
    running.queue_id = job.queue_id;
    running.recipients.clear();
    for (const JobRecipient& recipient : job.recipients)
        running.recipients.push_back(recipient.index);
    if (successor_) {  // it was on its way when the successor was told of the others
        AgentHello more;
        more.running.push_back(running);
        successor_->channel.put(AgentHello::kName, 0, encode(more));
    }
    jobs_.spawn(work(std::move(job), std::move(content)));
}

Task<void> AgentTalk::work(Job job, Fd content) {
    std::uint64_t number = job.job;
    std::string queue_id = job.queue_id;
    Progress progress = [this, number, queue_id](std::vector<RecipientResult> results) {
        JobReport& report = reports_[number];
        report.job = number;
        report.queue_id = queue_id;
        note(number, std::move(results));
        tell(report);
    };
    JobReport last = co_await work_(std::move(job), std::move(content), std::move(progress));
    JobReport& report = reports_[number];
    report.job = number;
    report.queue_id = std::move(queue_id);
    note(number, std::move(last.results));
    report.complete = true;
    report.nexthop_failed = last.nexthop_failed;
    running_.erase(number);
    tell(report);
    if (completed) completed(report);
    changed_.notify_all();
}

void AgentTalk::note(std::uint64_t job, std::vector<RecipientResult> results) {
    std::ranges::move(results, std::back_inserter(reports_[job].results));
}

JobReport* AgentTalk::report(std::uint64_t job) {
    auto at = reports_.find(job);
    return at == reports_.end() ? nullptr : &at->second;
}

Task<void> AgentTalk::heard() {
    constexpr Seconds kPatience{30};
    const TimePoint deadline = Loop::current().now() + kPatience;
    ++waiting_;
    try {
        while (!has_qmgr() && !draining_)
            co_await changed_.wait(scope_, deadline);
    } catch (const TimedOut&) {
    } catch (const Cancelled&) {
        --waiting_;
        throw;
    }
    --waiting_;
}

Task<void> AgentTalk::finish(std::string successor) {
    draining_ = true;
    changed_.notify_all();
    tell(AgentDraining());
    if (!successor.empty()) jobs_.spawn(follow(std::move(successor)));
    while (!running_.empty())
        co_await changed_.wait(scope_);
}

Task<void> AgentTalk::recorded(Milliseconds patience, bool wait_for_successor) {
    const TimePoint deadline = Loop::current().now() + patience;
    try {
        while (!reports_.empty() && (has_qmgr() || wait_for_successor))
            co_await changed_.wait(scope_, deadline);
        auto told = std::ranges::find_if(parties_, [](const Party* party) { return party->told; });
        if (told != parties_.end()) co_await (*told)->channel.drained(deadline);
    } catch (const TimedOut&) {
        log_warning("qmgr did not record all results in time");
    } catch (const Closed&) {
    }
}

}  // namespace facteur::ipc
