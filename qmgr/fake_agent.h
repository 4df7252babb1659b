#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "lib/event/errors.h"
#include "lib/event/readiness.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/client.h"
#include "lib/ipc/ways/delivery.h"
#include "lib/spool/files.h"

namespace facteur::qmgr {

/// For tests: a delivery agent that does what the test says.
class FakeAgent {
public:
    /// What happens to a recipient; by default it is delivered.
    using Decide = std::function<ipc::RecipientResult(const ipc::Job&, const ipc::JobRecipient&)>;

    FakeAgent(Scope& parent, const std::string& path)
        : listener_(ipc::listen_unix(path).value()), readiness_(listener_.get()), scope_(parent) {
        scope_.spawn(accept_all());
    }

    Decide decide;
    bool silent = false;  ///< takes jobs and reports nothing
    bool fails_nexthop = false;
    std::vector<ipc::Job> jobs;  ///< all it ever got
    std::vector<std::string> contents;
    std::set<std::uint64_t> settled;
    ipc::AgentHello hello;
    std::size_t running = 0;
    std::size_t most_running = 0;

    /// The connection breaks, as when the agent dies.
    void die() {
        channels_.clear();
        if (!connections_.empty()) connections_.back()->cancel();
    }
    void report(const ipc::JobReport& report) {
        channels_.back()->put(ipc::JobReport::kName, 0, ipc::encode(report));
    }
    void flushed(const std::vector<std::uint64_t>& numbers) {
        ipc::JobsFlushed message;
        message.jobs = numbers;
        message.queue_ids.resize(numbers.size());
        channels_.back()->put(ipc::JobsFlushed::kName, 0, ipc::encode(message));
    }
    ipc::JobReport report_for(const ipc::Job& job) const {
        ipc::JobReport report;
        report.job = job.job;
        report.queue_id = job.queue_id;
        report.complete = true;
        report.nexthop_failed = fails_nexthop;
        for (const ipc::JobRecipient& recipient : job.recipients) {
            ipc::RecipientResult result;
            result.outcome = ipc::Outcome::delivered;
            result.status = "2.0.0";
            result.text = "250 ok";
            if (decide) result = decide(job, recipient);
            result.index = recipient.index;
            report.results.push_back(result);
        }
        return report;
    }
    bool connected() const { return !channels_.empty(); }

private:
    Task<void> accept_all() {
        for (;;) {
            Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (fd) {
                connections_.push_back(std::make_unique<Scope>(scope_));
                Scope& connection = *connections_.back();
                channels_.push_back(std::make_shared<ipc::Channel>(connection, std::move(fd)));
                connection.spawn(serve(channels_.back()));
                continue;
            }
            readiness_.would_block(Readiness::read);
            co_await readiness_.wait(Readiness::read, scope_);
        }
    }
    Task<void> serve(std::shared_ptr<ipc::Channel> channel) {
        hello.job_limit = 100;
        channel->put(ipc::AgentHello::kName, 0, ipc::encode(hello));
        for (;;) {
            ipc::Frame frame = co_await channel->receive();
            if (frame.name == ipc::JobSettled::kName) {
                auto told = ipc::decode<ipc::JobSettled>(frame.body);
                for (std::uint64_t number : told->jobs)
                    settled.insert(number);
            } else {
                take(*ipc::decode<ipc::Job>(frame.body), frame);
            }
        }
    }
    void take(const ipc::Job& job, const ipc::Frame& frame) {
        jobs.push_back(job);
        if (job.verify) {
            if (!silent) report(report_for(job));
            return;
        }
        contents.push_back(spool::read_exactly(frame.fds.at(0).get(), job.offset,
                                               static_cast<std::size_t>(job.size))
                               .value());
        if (!silent) report(report_for(job));
    }

    Fd listener_;
    Readiness readiness_;
    std::vector<std::shared_ptr<ipc::Channel>> channels_;
    Scope scope_;
    std::vector<std::unique_ptr<Scope>> connections_;
};

}  // namespace facteur::qmgr
