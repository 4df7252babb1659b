#include "lmtp-local/resubmitter.h"

#include <algorithm>

#include "lib/event/worker.h"
#include "lib/smtp/address.h"
#include "lib/spool/envelope.h"
#include "lmtp-local/forwarding.h"

namespace facteur::lmtp_local {
namespace {

/// RFC 3461 section 5.2.7: who takes the place of a recipient reports for it; of several, only
/// that there are several is a success.
void take_requests(ipc::SubmitRecipient& to, const ipc::JobRecipient& from, bool alone) {
    to.orcpt = from.orcpt;
    to.notify = from.notify;
    if (alone || !(to.notify & spool::notify_success)) return;
    to.notify = static_cast<std::uint8_t>(to.notify & ~unsigned{spool::notify_success});
    if (to.notify == 0) to.notify = spool::notify_never;
}

}  // namespace

Resubmitter::Resubmitter(Scope& scope, WorkerPool& workers, const Settings& settings)
    : queue_(scope, "private/queue"), workers_(workers), settings_(settings) {}

bool Resubmitter::marks_forwarded() const {
    const auto& where = settings_.prepend_delivered_header();
    return std::find(where.begin(), where.end(), "forward") != where.end();
}

ipc::Submit Resubmitter::as_it_came(const Mail& mail) const {
    ipc::Submit submit;
    submit.sender = mail.sender;
    submit.ret = mail.ret;
    submit.envid = mail.envid;
    submit.priority = mail.priority;
    submit.by_mode = mail.by_mode;
    submit.by_trace = mail.by_trace;
    submit.deliver_by = mail.deliver_by;
    submit.requiretls = mail.requiretls;
    submit.tls_optional = mail.tls_optional;
    submit.arrival = mail.arrival;
    submit.body = mail.body;
    submit.smtputf8 = mail.smtputf8;
    submit.protocol = spool::kForwarded;
    submit.login = mail.login;
    submit.client_name = mail.client_name;
    submit.client_address = mail.client_address;
    return submit;
}

Task<Outcome> Resubmitter::submit(const Mail& mail, ipc::Submit submit, std::string fields) {
    std::function<Result<Fd>()> copy = [&mail, &fields] {
        return prefixed_copy(mail.content.get(), mail.offset, mail.size, fields);
    };
    auto content = co_await workers_.run<Result<Fd>>(std::move(copy));
    if (!content) co_return Outcome::bad(content.error());
    submit.size = mail.size + fields.size();
    std::string id = submit.queue_id;
    std::vector<Fd> fds;
    fds.push_back(*std::move(content));
    auto answer = co_await queue_.call(std::move(submit), std::move(fds));
    if (!answer) co_return Outcome::bad(answer.error());
    co_return Outcome::good(ipc::Outcome::expanded, "forwarded as " + id);
}

Task<Outcome> Resubmitter::forward(const Mail& mail, Addressee recipient, Forward way) {
    // RFC 3461 section 5.2.7.3: a list's mail is a new message, its failures are its owner's.
    const bool list = !way.owner.empty() && way.owner != mail.sender;
    ipc::Submit message = as_it_came(mail);
    message.queue_id = forwarded_id(mail.id, recipient.index, way.part);
    if (list) {
        message.sender = std::move(way.owner);
        message.ret = 0;
        message.envid.clear();
    }
    for (std::string& address : way.addresses) {
        ipc::SubmitRecipient to;
        to.address = std::move(address);
        // An alias or ~/.forward without a domain means somebody here.
        if (to.address.find('@') == std::string::npos) to.address += "@" + settings_.myorigin();
        to.original = recipient.original;
        if (!list) take_requests(to, recipient, way.alone);
        message.recipients.push_back(std::move(to));
    }
    std::string fields;
    if (marks_forwarded())
        fields = "Delivered-To: " + smtp::to_external(recipient.delivered_to) + "\r\n";
    Outcome outcome = co_await submit(mail, std::move(message), std::move(fields));
    outcome.dsn_passed_on = outcome.is_good() && way.alone && !list;
    co_return outcome;
}

Task<Outcome> Resubmitter::pass(const Mail& mail, Addressee recipient, std::string transport) {
    // It would come back to us, unchanged, without end.
    if (transport == "local" || transport.starts_with("local:"))
        co_return Outcome::deferred("mail transport loop: local passes mail to local", "4.3.5");
    ipc::Submit message = as_it_came(mail);
    message.queue_id = forwarded_id(mail.id, recipient.index, "pass");
    message.filter = transport;
    ipc::SubmitRecipient to;
    to.address = recipient.address;
    to.original = recipient.original;
    take_requests(to, recipient, true);
    message.recipients.push_back(std::move(to));
    Outcome outcome = co_await submit(mail, std::move(message), std::string());
    outcome.dsn_passed_on = outcome.is_good();
    if (outcome.is_good()) outcome.text += " by " + transport;
    co_return outcome;
}

}  // namespace facteur::lmtp_local
