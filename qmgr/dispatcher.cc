#include "qmgr/dispatcher.h"

#include <algorithm>
#include <optional>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/sleep.h"
#include "lib/ipc/client.h"
#include "qmgr/outgoing.h"
#include "qmgr/verdict.h"

namespace facteur::qmgr {
namespace {

constexpr Milliseconds kReconnect{250};
constexpr Seconds kHelloTime{30};
constexpr int kMostLosses = 3;

void set_progress(Message& message, std::size_t index, spool::Progress progress) {
    message.story.progress[index] = std::move(progress);
    message.changed.push_back(index);
}

bool has(const std::vector<std::size_t>& recipients, std::size_t index) {
    return std::find(recipients.begin(), recipients.end(), index) != recipients.end();
}

}  // namespace

struct Dispatcher::Line {
    Line(std::string name, const Settings& settings) : transport(std::move(name), settings) {}
    Transport transport;
    bool available = true;  ///< false: no agent has answered for a while
    Signal changed;         ///< an agent has room again, drains or is gone
};

Dispatcher::Dispatcher(const Settings& settings, Scope& scope, Owner& owner, std::string folder)
    : settings_(settings),
      owner_(owner),
      folder_(std::move(folder)),
      // Numbers of a former process must not come back: agents know jobs by them.
      last_number_(static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                              std::chrono::microseconds(1))),
      running_(scope) {}

Dispatcher::~Dispatcher() = default;

Dispatcher::Line& Dispatcher::line(const std::string& name) {
    auto& place = lines_[name];
    if (!place) {
        place = std::make_unique<Line>(name, settings_);
        running_.spawn(run(*place));
    }
    return *place;
}

void Dispatcher::close_content(Message& message) {
    if (--message.unsent == 0 && !message.content_held) message.content = spool::Content();
}

void Dispatcher::put_off(Job& job, const spool::Progress& reason) {
    Message& message = *job.message;
    for (std::size_t index : job.recipients) {
        set_progress(message, index, reason);
        log_result(message, index, "none");
    }
    --message.jobs;
    close_content(message);
    message.progressed.notify_all();
}

void Dispatcher::add(Message& message, const std::string& transport, const std::string& nexthop,
                     const std::vector<std::size_t>& recipients) {
    Line& to = line(transport);
    const std::size_t limit = to.transport.limits().recipients;
    const std::size_t most = limit > 0 ? limit : recipients.size();
    for (std::size_t at = 0; at < recipients.size(); at += most) {
        auto job = std::make_unique<Job>();
        job->number = ++last_number_;
        job->message = &message;
        job->nexthop = nexthop;
        job->recipients.assign(recipients.begin() + static_cast<std::ptrdiff_t>(at),
                               recipients.begin() + static_cast<std::ptrdiff_t>(
                                                        std::min(at + most, recipients.size())));
        ++message.jobs;
        ++message.unsent;
        const std::string& first = message.story.envelope.recipients[recipients[at]].address;
        job->destination = to.transport.destination_of(nexthop, first);
        if (const spool::Progress* reason = to.transport.suspended(job->destination)) {
            put_off(*job, suspension(*reason));
        } else if (!to.available) {
            put_off(*job, deferred("4.3.0", "mail transport unavailable"));
        } else {
            to.transport.add(std::move(job));
        }
    }
}

void Dispatcher::revive() {
    for (auto& [name, line] : lines_)
        line->transport.revive();
}

void Dispatcher::settle(Message& message) {
    for (auto& [agent, number] : message.reports)
        agent->settle(number);
    message.reports.clear();
}

/// One agent after the other: the successor while the old one drains.
Task<void> Dispatcher::run(Line& line) {
    TimePoint since = Loop::current().now();
    for (;;) {
        std::shared_ptr<Agent> agent;
        bool connected = co_await connect(line, agent);
        if (connected) {
            line.available = true;
            const TimePoint begin = Loop::current().now();
            running_.spawn(listen(line, agent));
            co_await feed(line, agent);
            since = Loop::current().now();
            if (since - begin > kReconnect) continue;  // else it dies as soon as it is born
        }
        if (line.available && Loop::current().now() - since > settings_.transport_patience()) {
            log_warning("private/" + line.transport.name() + " does not answer: mail is put off");
            give_up(line);
        }
        co_await Sleep(running_, kReconnect);
    }
}

Task<bool> Dispatcher::connect(Line& line, std::shared_ptr<Agent>& agent) {
    Fd socket = ipc::connect_unix(folder_ + line.transport.name());
    if (!socket) co_return false;
    try {
        agent = std::make_shared<Agent>(running_, std::move(socket));
        ipc::Frame frame = co_await agent->channel().receive(Loop::current().now() + kHelloTime);
        auto hello = ipc::decode<ipc::AgentHello>(frame.body);
        if (frame.name != ipc::AgentHello::kName || !hello) co_return false;
        greet(*agent, *std::move(hello));
    } catch (const Cancelled&) {
        throw;
    } catch (const Disconnect&) {
        co_return false;
    }
    co_return true;
}

/// At the beginning, and again when a process that drains has left its jobs to the agent.
void Dispatcher::greet(Agent& agent, ipc::AgentHello hello) const {
    agent.greet(std::move(hello));
    for (const std::string& id : agent.kept()) {
        if (owner_.knows(id)) continue;
        for (const ipc::JobReport& report : agent.take_reports(id))
            agent.settle(report.job);
    }
}

Task<void> Dispatcher::feed(Line& line, std::shared_ptr<Agent> agent) {
    while (agent->usable()) {
        if (!agent->has_room()) {
            co_await line.changed.wait(running_);
            continue;
        }
        std::unique_ptr<Job> job = line.transport.next();
        if (job) {
            co_await send(line, agent, std::move(job));
            continue;
        }
        try {
            co_await line.transport.work().wait(running_, line.transport.next_time());
        } catch (const TimedOut&) {  // a pause is over
        }
    }
}

/// Recipients that the agent had for a former qmgr get their old jobs back.
void Dispatcher::adopt(Line& line, const std::shared_ptr<Agent>& agent, Job& job) {
    Message& message = *job.message;
    auto part = [&](std::uint64_t number, const std::vector<std::size_t>& recipients) {
        auto old = std::make_unique<Job>();
        old->number = number;
        old->message = &message;
        old->nexthop = job.nexthop;
        old->destination = job.destination;
        for (std::size_t index : recipients) {
            if (std::erase(job.recipients, index) > 0) old->recipients.push_back(index);
        }
        if (old->recipients.empty()) return false;
        ++message.jobs;
        line.transport.began(job.destination);
        agent->add(std::move(old));
        return true;
    };
    for (ipc::JobReport& known : agent->take_reports(message.id())) {
        std::vector<std::size_t> recipients;
        for (const ipc::RecipientResult& result : known.results)
            recipients.push_back(result.index);
        if (part(known.job, recipients)) {
            report(line, agent, std::move(known));
        } else {
            agent->keep(std::move(known));  // of a recipient that has another destination
        }
    }
    for (const ipc::RunningJob& running : agent->take_running(message.id()))
        part(running.job, {running.recipients.begin(), running.recipients.end()});
}

Task<void> Dispatcher::send(Line& line, std::shared_ptr<Agent> agent, std::unique_ptr<Job> job) {
    Message& message = *job->message;
    adopt(line, agent, *job);
    std::erase_if(job->recipients, [&](std::size_t index) {
        return message.story.progress[index].fate != spool::Fate::waiting;
    });
    Result<Fd> content;
    if (!message.verify) content = co_await owner_.lend(message);
    if (!content && !job->recipients.empty()) {
        for (std::size_t index : job->recipients)
            set_progress(message, index, deferred("4.3.0", content.error().text));
        job->recipients.clear();
    }
    if (job->recipients.empty()) {
        line.transport.ended(job->destination, Feedback::neutral);
        --message.jobs;
    } else {
        std::vector<Fd> fds;
        if (!message.verify) fds.push_back(*std::move(content));
        agent->channel().put(ipc::Job::kName, 0, ipc::encode(request_for(*job)), std::move(fds));
        agent->add(std::move(job));
    }
    close_content(message);
    message.progressed.notify_all();
}

Task<void> Dispatcher::listen(Line& line, std::shared_ptr<Agent> agent) {
    try {
        for (;;) {
            ipc::Frame frame = co_await agent->channel().receive();
            if (frame.name == ipc::JobReport::kName) {
                auto told = ipc::decode<ipc::JobReport>(frame.body);
                if (told) report(line, agent, *std::move(told));
            } else if (frame.name == ipc::JobsFlushed::kName) {
                auto told = ipc::decode<ipc::JobsFlushed>(frame.body);
                if (told) flushed(agent, *told);
            } else if (frame.name == ipc::AgentHello::kName) {
                auto more = ipc::decode<ipc::AgentHello>(frame.body);
                if (more) greet(*agent, *std::move(more));
            } else if (frame.name == ipc::AgentDraining::kName) {
                agent->drain();
                line.changed.notify_all();
                line.transport.work().notify_all();
            }
        }
    } catch (const Cancelled&) {
        throw;
    } catch (const Disconnect&) {
        lost(line, *agent);
    }
}

void Dispatcher::take_results(Job& job, ipc::JobReport& report) {
    Message& message = *job.message;
    for (ipc::RecipientResult& result : report.results) {
        if (!has(job.recipients, result.index)) continue;
        const std::size_t index = result.index;
        if (result.outcome == ipc::Outcome::written) {
            job.written.emplace_back(index, progress_of(result, message.story.envelope));
        } else {
            set_progress(message, index, progress_of(result, message.story.envelope));
        }
        std::erase(job.recipients, index);
    }
}

void Dispatcher::report(Line& line, const std::shared_ptr<Agent>& agent, ipc::JobReport report) {
    Job* job = agent->find(report.job);
    if (!job) {
        if (owner_.knows(report.queue_id)) {
            agent->keep(std::move(report));
        } else {
            agent->settle(report.job);
        }
        return;
    }
    if (job->complete) {
        take_back(agent, *job, report);
        return;
    }
    Message& message = *job->message;
    spool::Progress reason;
    for (const ipc::RecipientResult& result : report.results) {
        if (result.outcome == ipc::Outcome::deferred) {
            reason = deferred(result.status, result.text);
        }
    }
    take_results(*job, report);
    message.progressed.notify_all();
    if (!report.complete) return;
    for (std::size_t index : job->recipients)
        set_progress(message, index, deferred("4.3.0", "delivery agent told no result"));
    job->recipients.clear();
    job->complete = true;
    agent->completed();
    line.changed.notify_all();
    // "There is no such domain" is final for its message and says nothing of a destination that
    // might be better later.
    const bool failed = report.nexthop_failed && !reason.status.empty();
    Feedback feedback = failed ? Feedback::failure : Feedback::success;
    for (auto& waiting : line.transport.ended(job->destination, feedback, reason)) {
        put_off(*waiting, suspension(reason));
    }
    if (job->written.empty()) finish(agent, report.job);
}

/// What was written did not reach the disk: the agent says now what counts instead.
void Dispatcher::take_back(const std::shared_ptr<Agent>& agent, Job& job, ipc::JobReport& report) {
    for (ipc::RecipientResult& result : report.results) {
        if (result.outcome == ipc::Outcome::written) continue;
        const std::size_t index = result.index;
        auto is_it = [index](const auto& written) { return written.first == index; };
        if (std::erase_if(job.written, is_it) > 0)
            set_progress(*job.message, index, progress_of(result, job.message->story.envelope));
    }
    if (job.written.empty()) finish(agent, report.job);
}

void Dispatcher::flushed(const std::shared_ptr<Agent>& agent, const ipc::JobsFlushed& flushed) {
    for (std::uint64_t number : flushed.jobs) {
        Job* job = agent->find(number);
        if (!job || !job->complete) continue;
        for (auto& [index, progress] : job->written)
            set_progress(*job->message, index, std::move(progress));
        finish(agent, number);
    }
}

void Dispatcher::finish(const std::shared_ptr<Agent>& agent, std::uint64_t number) {
    std::unique_ptr<Job> job = agent->take(number);
    Message& message = *job->message;
    message.reports.emplace_back(agent, number);
    --message.jobs;
    message.progressed.notify_all();
}

/// Nobody knows how far it came: what was not reported is tried again at once, but not for ever,
/// for the message itself may be what kills the agent.
void Dispatcher::lost(Line& line, Agent& agent) {
    for (auto& job : agent.lost()) {
        Message& message = *job->message;
        for (auto& [index, progress] : job->written)
            job->recipients.push_back(index);
        job->written.clear();
        if (job->complete) line.transport.began(job->destination);
        job->complete = false;
        ++message.unsent;
        if (job->recipients.empty()) {
            line.transport.ended(job->destination, Feedback::neutral);
            put_off(*job, spool::Progress());
        } else if (++message.agent_losses > kMostLosses) {
            line.transport.ended(job->destination, Feedback::neutral);
            put_off(*job, deferred("4.3.0", "delivery agent ended before it was done"));
        } else {
            job->number = ++last_number_;
            line.transport.add_again(std::move(job));
        }
    }
    line.changed.notify_all();
    line.transport.work().notify_all();
}

void Dispatcher::give_up(Line& line) {
    line.available = false;
    for (auto& job : line.transport.take_all())
        put_off(*job, deferred("4.3.0", "mail transport unavailable"));
}

}  // namespace facteur::qmgr
