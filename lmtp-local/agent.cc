#include "lmtp-local/agent.h"

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/smtp/address.h"
#include "lib/spool/delays.h"

namespace facteur::lmtp_local {

Agent::Agent(Scope& scope, Scope& sessions, Kind kind, Deliverer& deliverer, Flusher& flusher,
             std::uint32_t job_limit)
    : scope_(scope),
      sessions_(sessions),
      kind_(kind),
      relay_(kind == Kind::virtual_users ? "virtual" : "local"),
      deliverer_(deliverer),
      flusher_(flusher),
      job_limit_(job_limit),
      deliveries_(scope) {}

ipc::AgentHello Agent::hello() const {
    ipc::AgentHello hello;
    hello.job_limit = job_limit_;
    for (const auto& [job, report] : reports_)
        if (!running_.contains(job)) hello.unsettled.push_back(report);
    for (const auto& [job, running] : running_)
        hello.running.push_back(running);
    return hello;
}

Task<void> Agent::serve(Fd connection) {
    ipc::Channel channel(sessions_, std::move(connection));
    channel.put(ipc::AgentHello::kName, 0, ipc::encode(hello()));
    // A second connection is qmgr's successor: the first one is about to end.
    qmgr_ = &channel;
    tell_flushed();
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
    deliveries_.spawn(work(std::move(job), std::move(content)));
}

Task<void> Agent::work(ipc::Job job, Fd content) {
    std::int64_t started = spool::wall_clock();
    Mail mail;
    mail.id = job.queue_id;
    mail.sender = job.sender;
    mail.arrival = job.arrival;
    mail.content = std::move(content);
    mail.offset = job.offset;
    mail.size = job.size;
    mail.body = job.body;
    mail.smtputf8 = job.smtputf8;
    mail.login = job.login;
    mail.client_name = job.client_name;
    mail.client_address = job.client_address;
    ipc::JobReport report;
    report.job = job.job;
    report.queue_id = job.queue_id;
    report.complete = true;
    std::set<std::uint64_t> domains;
    for (const ipc::JobRecipient& recipient : job.recipients) {
        Outcome outcome;
        if (kind_ == Kind::virtual_users) {
            outcome = co_await deliverer_.to_virtual(mail, recipient);
        } else {
            outcome = co_await deliverer_.to_local(mail, recipient);
        }
        ipc::RecipientResult result;
        result.index = recipient.index;
        result.outcome = outcome.outcome;
        result.status = std::move(outcome.status);
        result.text = std::move(outcome.text);
        result.relay = relay_;
        domains.merge(outcome.domains);
        log(job, recipient, result, started);
        report.results.push_back(std::move(result));
    }
    if (qmgr_) qmgr_->put(ipc::JobReport::kName, 0, ipc::encode(report));
    reports_[job.job] = std::move(report);
    running_.erase(job.job);
    if (!domains.empty()) {
        unflushed_[job.job] = job.queue_id;
        flusher_.add(Flusher::Job{job.job, job.queue_id, std::move(domains)});
    }
    changed_.notify_all();
}

void Agent::flushed(const std::vector<Flusher::Job>& jobs, const Result<void>& result) {
    for (const Flusher::Job& job : jobs) {
        auto at = unflushed_.find(job.job);
        if (at == unflushed_.end() || at->second != job.queue_id) continue;
        unflushed_.erase(at);
        if (!result) {
            take_back(job.job, result.error());
            continue;
        }
        told_.jobs.push_back(job.job);
        told_.queue_ids.push_back(job.queue_id);
    }
    tell_flushed();
}

void Agent::take_back(std::uint64_t job, const Error& error) {
    auto at = reports_.find(job);
    if (at == reports_.end()) return;
    ipc::JobReport& report = at->second;
    for (ipc::RecipientResult& result : report.results) {
        if (result.outcome != ipc::Outcome::written) continue;
        result.outcome = ipc::Outcome::deferred;
        result.status = "4.3.0";
        result.text = error.text;
    }
    log_warning(report.queue_id + ": was written, may not be on disk, will be delivered again");
    if (qmgr_) qmgr_->put(ipc::JobReport::kName, 0, ipc::encode(report));
}

void Agent::tell_flushed() {
    if (!qmgr_ || told_.jobs.empty()) return;
    qmgr_->put(ipc::JobsFlushed::kName, 0, ipc::encode(told_));
    told_ = ipc::JobsFlushed();
}

void Agent::log(const ipc::Job& job, const ipc::JobRecipient& recipient,
                const ipc::RecipientResult& result, std::int64_t started) const {
    const char* status = result.outcome == ipc::Outcome::deferred ? "deferred"
                         : result.outcome == ipc::Outcome::failed ? "bounced"
                                                                  : "sent";
    std::string original;
    if (!recipient.original.empty() && !iequals(recipient.original, recipient.address))
        original = "orig_to=<" + smtp::to_external(recipient.original) + ">, ";
    log_info(fmt::format("{}: to=<{}>, {}relay={}, {}, dsn={}, status={} ({})", job.queue_id,
                         smtp::to_external(recipient.address), original, relay_,
                         spool::delays_text(job, started, started), result.status, status,
                         result.text));
}

Task<void> Agent::drain() {
    if (qmgr_) qmgr_->put(ipc::AgentDraining::kName, 0, ipc::encode(ipc::AgentDraining()));
    while (!running_.empty())
        co_await changed_.wait(scope_);
    co_await flusher_.drain();
    // What is not recorded now is delivered again by our successor, which finds it delivered.
    constexpr Seconds kPatience{10};
    TimePoint deadline = Loop::current().now() + kPatience;
    try {
        while (qmgr_ && !reports_.empty())
            co_await changed_.wait(scope_, deadline);
        if (qmgr_) co_await qmgr_->drained(deadline);
    } catch (const TimedOut&) {
        log_warning("qmgr did not record all results in time");
    } catch (const Closed&) {
    }
}

}  // namespace facteur::lmtp_local
