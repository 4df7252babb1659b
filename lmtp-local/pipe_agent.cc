#include "lmtp-local/pipe_agent.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/spool/delays.h"
#include "lmtp-local/command.h"
#include "lmtp-local/forwarding.h"
#include "lmtp-local/status_filter.h"
#include "lmtp-local/unix_form.h"

namespace facteur::lmtp_local {
namespace {

std::uint32_t limit_of(const Settings& settings) {
    return static_cast<std::uint32_t>(std::min(settings.jobs(), settings.process_limit()));
}

const std::string& written(const ipc::JobRecipient& recipient) {
    return recipient.original.empty() ? recipient.address : recipient.original;
}

}  // namespace

PipeAgent::PipeAgent(Scope& scope, Scope& sessions, std::string service, const Settings& settings,
                     const PipeOptions& options, WorkerPool& workers, Hands& hands,
                     Result<Identity> who)
    : service_(std::move(service)),
      settings_(settings),
      options_(options),
      workers_(workers),
      hands_(hands),
      who_(std::move(who)),
      addressd_(scope, "private/address"),
      talk_(scope, sessions, limit_of(settings),
            [this](ipc::Job job, Fd content, const ipc::AgentTalk::Progress&) {
                return work(std::move(job), std::move(content));
            }) {}

Task<ipc::JobReport> PipeAgent::work(ipc::Job job, Fd content) {
    const std::int64_t started = spool::wall_clock();
    co_await talk_.heard();
    ipc::RecipientResult result = co_await outcome(job, std::move(content));
    co_await filter_status(addressd_, settings_.pipe_status_filter(), "pipe_delivery_status_filter",
                           result);
    ipc::JobReport report;
    for (const ipc::JobRecipient& recipient : job.recipients) {
        result.index = recipient.index;
        log(job, recipient, result, started);
        report.results.push_back(result);
    }
    co_return report;
}

/// What becomes of all recipients of a job.
Task<ipc::RecipientResult> PipeAgent::outcome(const ipc::Job& job, Fd content) {
    ipc::RecipientResult result;
    result.relay = service_;
    auto fail = [&result](const Error& error) {
        result.outcome = error.is_temporary() ? ipc::Outcome::deferred : ipc::Outcome::failed;
        result.status = error.status;
        result.text = error.text;
    };
    Result<void> fit = co_await obstacle(job, content.get());
    if (!fit) {
        fail(fit.error());
        co_return result;
    }
    result.outcome = ipc::Outcome::delivered;
    result.status = "2.0.0";
    if (job.verify) {
        result.text = "delivers to command: " + printable(options_.argv.front(), 200);
        co_return result;
    }
    auto answer = co_await hands_.ask(*who_, task_for(job), std::move(content));
    if (!answer) {
        fail(answer.error());
        co_return result;
    }
    result.text = "delivered via " + service_ + " service";
    std::string said = answer->result.text;
    std::replace(said.begin(), said.end(), '\n', ' ');
    if (!said.empty()) result.text += " (" + printable(said, 1000) + ")";
    // RFC 3461 section 5.2.5: a command is another mail system, unless flag X says that it
    // delivers.
    result.handed_on = !options_.final_delivery;
    co_return result;
}

/// Why the command is not to get it.
Task<Result<void>> PipeAgent::obstacle(const ipc::Job& job, int content) {
    if (!who_) {
        log_warning(job.queue_id + ": " + who_.error().text);
        co_return temporary("mail system configuration error", "4.3.5");
    }
    const bool one_only = options_.delivered_to || options_.original_to;
    if (one_only && job.recipients.size() > 1) {
        log_warning(fmt::format("pipe flag `{}' requires {}_destination_recipient_limit = 1",
                                options_.delivered_to ? 'D' : 'O', service_));
        co_return temporary("mail system configuration error", "4.3.5");
    }
    if (options_.size_limit > 0 && job.size > options_.size_limit) {
        log_warning(fmt::format("{}: too big: size_limit = {}, message size = {}", job.queue_id,
                                options_.size_limit, job.size));
        co_return permanent("message too large", "5.2.3");
    }
    if (!options_.delivered_to || job.verify) co_return Result<void>();
    const std::string address = job.recipients.front().address;
    std::function<bool()> look = [&job, &address, content] {
        return was_delivered_to(content, job.offset, job.size, address);
    };
    const bool loops = co_await workers_.run<bool>(std::move(look));
    if (loops) co_return permanent("mail forwarding loop for " + address, "5.4.6");
    co_return Result<void>();
}

PipeTask PipeAgent::task_for(const ipc::Job& job) const {
    PipeTask task;
    task.argv = pipe_arguments(options_, job, settings_.recipient_delimiter());
    task.environment = exported_environment(settings_.export_environment());
    task.directory = options_.directory;
    const std::string sender = options_.sender(job.sender);
    if (options_.from_line) task.from_line = from_line(sender, std::time(nullptr));
    if (options_.return_path) task.prefix += "Return-Path: <" + smtp::to_external(sender) + ">\r\n";
    const ipc::JobRecipient& first = job.recipients.front();
    if (options_.original_to)
        task.prefix += "X-Original-To: " + smtp::to_external(written(first)) + "\r\n";
    if (options_.delivered_to)
        task.prefix += "Delivered-To: " + smtp::to_external(first.address) + "\r\n";
    task.eol = options_.eol;
    task.blank_line = options_.blank_line;
    task.dots = options_.dots;
    task.quote_from = options_.quote_from;
    task.offset = job.offset;
    task.size = job.size;
    task.seconds = settings_.command_time_limit(service_).count();
    task.output_limit = static_cast<std::uint64_t>(settings_.command_output_limit());
    return task;
}

void PipeAgent::log(const ipc::Job& job, const ipc::JobRecipient& recipient,
                    const ipc::RecipientResult& result, std::int64_t started) const {
    const bool good = result.outcome == ipc::Outcome::delivered;
    const char* status = result.outcome == ipc::Outcome::deferred ? "deferred"
                         : good                                   ? "sent"
                                                                  : "bounced";
    if (job.verify) status = good ? "deliverable" : "undeliverable";
    std::string original;
    if (!iequals(written(recipient), recipient.address))
        original = "orig_to=<" + smtp::to_external(recipient.original) + ">, ";
    log_info(fmt::format("{}: to=<{}>, {}relay={}, {}, dsn={}, status={} ({})", job.queue_id,
                         smtp::to_external(recipient.address), original, service_,
                         spool::delays_text(job, started, started), result.status, status,
                         result.text));
}

Task<void> PipeAgent::drain() {
    co_await talk_.finish();
    // What qmgr does not record now it will ask of our successor: a command would get it again.
    constexpr Seconds kPatience{30};
    co_await talk_.recorded(kPatience, true);
}

}  // namespace facteur::lmtp_local
