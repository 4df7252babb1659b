#include "smtp-client/agent.h"

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"

namespace facteur::smtp_client {

ipc::AgentHello Agent::hello() const {
    ipc::AgentHello hello;
    hello.job_limit = job_limit_;
    for (const auto& [job, report] : reports_)
        hello.unsettled.push_back(report);
    for (const auto& [job, running] : running_)
        hello.running.push_back(running);
    return hello;
}

Task<void> Agent::serve(Fd connection) {
    ipc::Channel channel(talking_, std::move(connection));
    channel.put(ipc::AgentHello::kName, 0, ipc::encode(hello()));
    // A second connection is qmgr's successor: the first one is about to end.
    qmgr_ = &channel;
    changed_.notify_all();
    try {
        for (;;)
            obey(co_await channel.receive());
    } catch (const Disconnect&) {
    }
    if (qmgr_ == &channel) qmgr_ = nullptr;
}

void Agent::obey(ipc::Frame frame) {
    if (frame.name == ipc::Job::kName) {
        auto job = ipc::decode<ipc::Job>(frame.body);
        if (job && !frame.fds.empty()) {
            begin(*std::move(job), std::move(frame.fds.front()));
            return;
        }
    } else if (frame.name == ipc::JobSettled::kName) {
        if (auto settled = ipc::decode<ipc::JobSettled>(frame.body)) {
            for (std::uint64_t job : settled->jobs)
                reports_.erase(job);
            changed_.notify_all();
            return;
        }
    }
    log_warning("unexpected message from qmgr: " + frame.name);
}

void Agent::begin(ipc::Job job, Fd content) {
    ipc::RunningJob& running = running_[job.job];
    running.job = job.job;
    running.queue_id = job.queue_id;
    running.recipients.clear();
    for (const ipc::JobRecipient& recipient : job.recipients)
        running.recipients.push_back(recipient.index);
    ipc::JobReport& report = reports_[job.job];
    report.job = job.job;
    report.queue_id = job.queue_id;
    deliveries_.spawn(work(std::move(job), std::move(content)));
}

Task<void> Agent::work(ipc::Job job, Fd content) {
    std::uint64_t number = job.job;
    Delivery::Progress progress = [this, number](std::vector<ipc::RecipientResult> results) {
        note(number, std::move(results));
        send(reports_[number]);
    };
    Delivery delivery(around_, std::move(job), std::move(content), std::move(progress));
    ipc::JobReport last = co_await delivery.run();
    note(number, std::move(last.results));
    ipc::JobReport& report = reports_[number];
    report.complete = true;
    report.nexthop_failed = last.nexthop_failed;
    running_.erase(number);
    send(report);
    changed_.notify_all();
}

void Agent::note(std::uint64_t job, std::vector<ipc::RecipientResult> results) {
    auto& all = reports_[job].results;
    all.insert(all.end(), std::make_move_iterator(results.begin()),
               std::make_move_iterator(results.end()));
}

void Agent::send(const ipc::JobReport& report) {
    if (qmgr_) qmgr_->put(ipc::JobReport::kName, 0, ipc::encode(report));
}

/// What a server took while no qmgr lived is known to this process alone, and is sent again when
/// this process dies too.  So nothing new is begun while a qmgr is replaced, which takes moments;
/// without one for long, or at the end, it is better to send than to wait.
Task<void> Agent::heard() {
    constexpr Seconds kPatience{30};
    const TimePoint deadline = Loop::current().now() + kPatience;
    ++waiting_;
    try {
        while (!qmgr_ && !draining_)
            co_await changed_.wait(around_.scope, deadline);
    } catch (const TimedOut&) {
    } catch (const Cancelled&) {
        --waiting_;
        throw;
    }
    --waiting_;
}

Task<void> Agent::drain() {
    draining_ = true;
    changed_.notify_all();
    if (qmgr_) {
        qmgr_->put(ipc::AgentDraining::kName, 0, ipc::encode(ipc::AgentDraining()));
    }
    while (!running_.empty())
        co_await changed_.wait(around_.scope);
    // What qmgr does not record now it will ask of our successor, which knows nothing of it: the
    // mail would go out again.
    constexpr Seconds kPatience{30};
    TimePoint deadline = Loop::current().now() + kPatience;
    try {
        while (!reports_.empty())
            co_await changed_.wait(around_.scope, deadline);
    } catch (const TimedOut&) {
        log_warning("qmgr did not record all results in time");
    }
    around_.cache.clear();
    talking_.cancel();
}

}  // namespace facteur::smtp_client
