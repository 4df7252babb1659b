// What becomes of a content between its end and the queue.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

/// RFC 6409 section 8: a submission server completes what our own users send; strangers' messages
/// stay as they are.
bool Session::fixes_header() const {
    return settings_.add_missing() || !settings_.filters.remote_rewrite_domain().empty() ||
           is_among(settings_.rewrite_clients());
}

cleanup::Treatment Session::treatment() const {
    const FilterSettings& filters = settings_.filters;
    cleanup::Treatment treatment;
    treatment.checks = checks::options_of(
        filters.checks, static_cast<std::size_t>(settings_.line_length_limit()),
        transaction_->parameters.smtputf8, !filters.leaves_out("no_header_body_checks"));
    treatment.milter_header_checks = filters.milter.header_checks();
    treatment.completes = fixes_header();
    treatment.undisclosed = filters.undisclosed();
    treatment.host = settings_.myhostname();
    // Strangers' addresses are left alone, or are none of our domain's.
    const bool local = is_among(settings_.rewrite_clients());
    if (!local) treatment.rewrite_domain = filters.remote_rewrite_domain();
    treatment.rewrites = local || !treatment.rewrite_domain.empty();
    treatment.unmapped = filters.leaves_out("no_address_mappings");
    treatment.address_limit = static_cast<std::size_t>(filters.header_address_limit());
    return treatment;
}

/// "ID: reject: header Subject: x from host[ip]; from=<> to=<> proto=ESMTP helo=<>: 5.7.1 no".
void Session::log_check(const Facts& facts, const checks::Event& event) const {
    std::string line(facts.queue_id);
    line.append(": ").append(event.action).append(": ").append(event.part).append(" ");
    line.append(event.content).append(" from ").append(client_.text()).append(";");
    const Transaction& transaction = *transaction_;
    line.append(" from=<").append(smtp::to_external(transaction.sender)).append("> to=<");
    if (!transaction.recipients.empty())
        line.append(smtp::to_external(transaction.recipients.front().address));
    line.append("> proto=").append(client_.protocol(facts.smtputf8));
    if (!client_.helo.empty()) line.append(" helo=<").append(client_.helo).append(">");
    if (!event.text.empty()) line.append(": ").append(printable(event.text, 256));
    log_info(line);
}

/// The checks, missing fields and milters.
Task<std::optional<Reply>> Session::clean_content(const Facts& facts) {
    Transaction& transaction = *transaction_;
    cleanup::Tables tables;
    tables.look_up = [this](ipc::LookupMany question) {
        return server_.backend.lookup_many(std::move(question));
    };
    tables.rewrite = [this](ipc::RewriteHeader question) {
        return server_.backend.rewrite_header(std::move(question));
    };
    checks::Tell tell = [this, &facts](const checks::Event& event) { log_check(facts, event); };
    cleanup::Letter letter(treatment(), std::move(tables), std::move(tell));
    letter.queue_id = transaction.queue_id;
    letter.sender = transaction.sender;
    letter.recipients = transaction.recipients;
    letter.when = transaction.arrival;
    letter.set_content(transaction.content->source());
    auto checked = co_await letter.inspect();
    if (!checked) {
        log_warning(transaction.queue_id + ": content checks: " + checked.error().text);
        Reply reply{451, "4.3.0", "Error: queue file write error"};
        if (checked.error().status == "4.3.1")
            reply = Reply{452, "4.3.1", "Insufficient system storage"};
        co_return reply;
    }
    if (settings_.log_message_id()) {
        const std::string& id = letter.message_id;
        log_info(transaction.queue_id + ": message-id=" + (id.empty() ? "<>" : printable(id, 200)));
    }
    if (*checked) {
        const checks::Refusal& refusal = **checked;  // it is in the log already
        Reply reply{refusal.is_temporary() ? 451 : 550, refusal.status, refusal.text};
        co_return reply;
    }
    transaction.effects.discard |= letter.discard;
    std::optional<Reply> refusal;
    if (!transaction.effects.discard) refusal = co_await milters_on_message(letter, facts);
    take_letter(letter);
    co_return refusal;
}

/// What the checks and milters made of the message.
void Session::take_letter(cleanup::Letter& letter) {
    Transaction& transaction = *transaction_;
    transaction.content->resize(letter.content().size);
    Effects effects;
    effects.hold = letter.hold;
    effects.discard = letter.discard;
    effects.filter = std::move(letter.filter);
    effects.redirect = std::move(letter.redirect);
    effects.copies = std::move(letter.copies);
    transaction.effects.take(std::move(effects));
    transaction.sender = std::move(letter.sender);
    transaction.recipients = std::move(letter.recipients);
    if (letter.sender_parameters.empty()) return;
    auto parameters = smtp::parse_mail_parameters(letter.sender_parameters);
    if (!parameters) {
        log_warning(transaction.queue_id + ": milter: " + parameters.error().text);
        return;
    }
    transaction.parameters.ret = parameters->ret;
    transaction.parameters.envid = std::move(parameters->envid);
    transaction.parameters.smtputf8 |= parameters->smtputf8;
    if (parameters->body != smtp::Body::unspecified) transaction.parameters.body = parameters->body;
}

}  // namespace facteur::smtpd
