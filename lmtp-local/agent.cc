#include "lmtp-local/agent.h"

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/spool/delays.h"

namespace facteur::lmtp_local {

Agent::Agent(Scope& scope, Scope& sessions, Kind kind, Deliverer& deliverer, Flusher& flusher,
             std::uint32_t job_limit)
    : kind_(kind),
      relay_(kind == Kind::virtual_users ? "virtual" : "local"),
      deliverer_(deliverer),
      flusher_(flusher),
      talk_(scope, sessions, job_limit,
            [this](ipc::Job job, Fd content, const ipc::AgentTalk::Progress&) {
                return work(std::move(job), std::move(content));
            }) {
    talk_.connected = [this] { tell_flushed(); };
    talk_.completed = [this](const ipc::JobReport& report) { completed(report); };
}

Task<ipc::JobReport> Agent::work(ipc::Job job, Fd content) {
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
    mail.ret = job.ret;
    mail.envid = job.envid;
    mail.priority = job.priority;
    mail.by_mode = job.by_mode;
    mail.by_trace = job.by_trace;
    mail.deliver_by = job.deliver_by;
    mail.requiretls = job.requiretls;
    mail.tls_optional = job.tls_optional;
    mail.client_name = job.client_name;
    mail.client_address = job.client_address;
    ipc::JobReport report;
    std::set<std::uint64_t> domains;
    for (const ipc::JobRecipient& recipient : job.recipients) {
        Outcome outcome;
        if (job.verify) {
            outcome = co_await deliverer_.verify(recipient, kind_ == Kind::system_users);
        } else if (kind_ == Kind::virtual_users) {
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
        result.dsn_passed_on = outcome.dsn_passed_on;
        domains.merge(outcome.domains);
        co_await deliverer_.filter(result, kind_ == Kind::system_users);
        log(job, recipient, result, started);
        report.results.push_back(std::move(result));
    }
    written_[job.job] = std::move(domains);
    co_return report;
}

void Agent::completed(const ipc::JobReport& report) {
    auto written = written_.extract(report.job);
    if (written.empty() || written.mapped().empty()) return;
    unflushed_[report.job] = report.queue_id;
    flusher_.add(Flusher::Job{report.job, report.queue_id, std::move(written.mapped())});
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
    ipc::JobReport* report = talk_.report(job);
    if (!report) return;
    for (ipc::RecipientResult& result : report->results) {
        if (result.outcome != ipc::Outcome::written) continue;
        result.outcome = ipc::Outcome::deferred;
        result.status = "4.3.0";
        result.text = error.text;
    }
    log_warning(report->queue_id + ": was written, may not be on disk, will be delivered again");
    talk_.tell(*report);
}

void Agent::tell_flushed() {
    if (!talk_.has_qmgr() || told_.jobs.empty()) return;
    talk_.tell(told_);
    told_ = ipc::JobsFlushed();
}

void Agent::log(const ipc::Job& job, const ipc::JobRecipient& recipient,
                const ipc::RecipientResult& result, std::int64_t started) const {
    const char* status = result.outcome == ipc::Outcome::deferred ? "deferred"
                         : result.outcome == ipc::Outcome::failed ? "bounced"
                                                                  : "sent";
    if (job.verify) {
        status = result.outcome == ipc::Outcome::delivered ? "deliverable" : "undeliverable";
    }
    std::string original;
    if (!recipient.original.empty() && !iequals(recipient.original, recipient.address))
        original = "orig_to=<" + smtp::to_external(recipient.original) + ">, ";
    log_info(fmt::format("{}: to=<{}>, {}relay={}, {}, dsn={}, status={} ({})", job.queue_id,
                         smtp::to_external(recipient.address), original, relay_,
                         spool::delays_text(job, started, started), result.status, status,
                         result.text));
}

Task<void> Agent::drain() {
    co_await talk_.finish();
    co_await flusher_.drain();
    // What is not recorded now is delivered again by our successor, which finds it delivered.
    constexpr Seconds kPatience{10};
    co_await talk_.recorded(kPatience, false);
}

}  // namespace facteur::lmtp_local
