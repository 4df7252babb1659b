// MAIL and RCPT.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/smtp/command.h"
#include "lib/smtp/domain.h"
#include "lib/smtp/keywords.h"
#include "lib/spool/queue_id.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace {

/// Recipients that are asked about ahead of their turn.
constexpr std::uint32_t kMostExpected = 100;

int rate_limit(const LimitSettings& limits, ipc::PolicyMoment moment) {
    switch (moment) {
        case ipc::PolicyMoment::connect:
            return limits.connection_rate();
        case ipc::PolicyMoment::auth:
            return limits.auth_rate();
        case ipc::PolicyMoment::mail:
            return limits.message_rate();
        case ipc::PolicyMoment::recipient:
            return limits.recipient_rate();
        case ipc::PolicyMoment::starttls:
            return limits.tls_rate();
    }
    return 0;
}

/// RFC 5321 section 4.1.1.11: 555 for a parameter that is not ours, 501 for a wrong value.
Reply parameter_error(const Error& error) {
    const int code = error.text.starts_with("Unsupported option") ? 555 : 501;
    return Reply{code, error.status, error.text};
}

Error syntax_error(std::string status, std::string text) {
    Error error;
    error.kind = Error::Kind::permanent;
    error.status = std::move(status);
    error.text = std::move(text);
    return error;
}

/// The code that goes with the errors of parse_mail() and parse_rcpt().
Reply refusal_of(const Error& error) {
    if (error.status == "5.3.4") return Reply{552, error.status, error.text};
    if (error.status == "5.7.10") return Reply{530, error.status, error.text};
    if (error.status == "5.6.7") return Reply{553, error.status, error.text};
    if (error.status == "5.5.4" && !error.text.starts_with("Syntax")) return parameter_error(error);
    return Reply{501, error.status, error.text};
}

}  // namespace

/// What is known of the transaction, if there is one, when a command of this name is decided on.
Facts Session::facts(std::string_view verb) const {
    Facts facts(client_, verb);
    facts.premature = premature_;
    if (!transaction_) return facts;
    const Transaction& transaction = *transaction_;
    facts.queue_id = transaction.queue_id;
    facts.sender = &transaction.sender;
    facts.recipients = transaction.recipients.size();
    if (facts.recipients == 1) facts.recipient = &transaction.recipients.front().address;
    facts.smtputf8 = transaction.parameters.smtputf8;
    facts.instance = transaction.instance;
    facts.size = transaction.parameters.size.value_or(0);
    if (transaction.parameters.auth) facts.sasl_sender = *transaction.parameters.auth;
    return facts;
}

/// Logs the refusal and gives it back.
Reply Session::refused(const Facts& facts, Reply reply) const {
    log_info(refusal_line(facts, "reject", reply));
    return reply;
}

/// What policyd says at this moment; nobody is kept waiting for a policyd that is not there.
Task<std::optional<Reply>> Session::ask_policy(ipc::PolicyMoment moment, const std::string& sender,
                                               const std::string& recipient) {
    ipc::Ask question;
    question.moment = moment;
    question.service = server_.service;
    question.client_address = client_.ip;
    question.client_name = client_.name;
    question.helo = client_.helo;
    question.sender = sender;
    question.recipient = recipient;
    question.login = client_.login;
    if (client_.limited) {
        question.client_key = client_.key;
        question.rate_limit = static_cast<std::uint32_t>(rate_limit(settings_.limits, moment));
    }
    if (moment == ipc::PolicyMoment::connect && connections_ > 0) {
        question.connections = connections_;
        question.count_limit = static_cast<std::uint32_t>(settings_.limits.per_client());
    }
    Result<ipc::PolicyReply> answer = co_await server_.backend.ask(std::move(question));
    if (!answer) co_return std::nullopt;
    const bool defers = answer->verdict == ipc::Verdict::defer;
    if (!defers && answer->verdict != ipc::Verdict::reject) co_return std::nullopt;
    const int usual = moment == ipc::PolicyMoment::connect ? 421 : defers ? 450 : 550;
    Reply reply;
    reply.code = answer->code != 0 ? answer->code : usual;
    reply.status = std::move(answer->status);
    reply.text = std::move(answer->text);
    Facts facts(client_, last_verb_);
    if (moment == ipc::PolicyMoment::mail || moment == ipc::PolicyMoment::recipient)
        facts.sender = &sender;
    if (moment == ipc::PolicyMoment::recipient) facts.recipient = &recipient;
    log_info(refusal_line(facts, "reject", reply));
    if (reply.code == 421) quit_ = true;
    co_return reply;
}

/// allow_min_user: programs could take the address for one.
bool Session::is_option(std::string_view local) const {
    return local.starts_with('-') && !settings_.addresses.allow_min_user();
}

Result<Transaction> Session::parse_mail(std::string_view arguments) const {
    const bool strict = settings_.strict_envelopes();
    if (!smtp::take_keyword(arguments, "FROM:", strict) || trim(arguments).empty())
        return std::unexpected(syntax_error("5.5.4", "Syntax: MAIL FROM:<address>"));
    smtp::AddressRules rules;
    rules.utf8 = settings_.smtputf8_enable() && client_.esmtp;
    rules.strict = strict;
    auto sender = smtp::take_path(arguments, rules);
    if (!sender || is_option(sender->local))
        return std::unexpected(syntax_error("5.1.7", "Bad sender address syntax"));
    Transaction transaction;
    transaction.sender = sender->internal();
    // RFC 5321 section 3.2 has no parameters after HELO; those that come are taken, as Postfix
    // does.
    TRY(transaction.parameters, smtp::parse_mail_parameters(arguments, offered()));
    const smtp::MailParameters& parameters = transaction.parameters;
    if (!parameters.smtputf8 && !smtp::is_ascii(transaction.sender))
        return std::unexpected(
            syntax_error("5.6.7", "Must declare SMTPUTF8 to send unicode address"));
    const std::uint64_t limit = settings_.message_size_limit();
    if (limit > 0 && parameters.size.value_or(0) > limit)
        return std::unexpected(syntax_error("5.3.4", "Message size exceeds fixed limit"));
    return transaction;
}

/// As in Postfix, half as much again as is needed must be free.
Task<bool> Session::has_room(std::optional<std::uint64_t> size) {
    auto room = co_await server_.backend.room();
    if (!room) co_return true;
    co_return !room->refused && size.value_or(0) <= room->free / 3 * 2;
}

// RFC 5321 section 4.1.1.2
Task<Reply> Session::do_mail(std::string arguments) {
    const bool helo_required =
        settings_.helo_required() || (screen_ && settings_.screen.helo_required());
    if (helo_required && client_.helo.empty())
        co_return Reply{503, "5.5.1", "Error: send HELO/EHLO first"};
    if (transaction_) co_return Reply{503, "5.5.1", "Error: nested MAIL command"};
    Result<Transaction> parsed = parse_mail(arguments);
    if (!parsed) co_return refusal_of(parsed.error());
    if (is_screened_out()) {
        transaction_ = std::make_unique<Transaction>(*std::move(parsed));
        co_return Reply{250, "2.1.0", "Ok"};
    }
    std::optional<Reply> refusal = excessive_wish(parsed->parameters);
    if (refusal) co_return *std::move(refusal);
    const bool room = co_await has_room(parsed->parameters.size);
    // RFC 1870 section 6.1
    if (!room) co_return Reply{452, "4.3.1", "Insufficient system storage"};
    const Reply good = settle_priority(parsed->parameters);
    co_await expect_recipients();
    refusal = co_await ask_policy(ipc::PolicyMoment::mail, parsed->sender, std::string());
    if (refusal) co_return *std::move(refusal);
    transaction_ = std::make_unique<Transaction>(*std::move(parsed));
    transaction_->instance = spool::make_queue_id();
    Facts facts = this->facts("MAIL");
    refusal = co_await server_.gate.mail(facts);
    if (refusal) {
        const Reply reply = refused(facts, *std::move(refusal));
        end_transaction();
        co_return reply;
    }
    transaction_->effects = std::move(facts.effects);
    transaction_->arrival = std::chrono::system_clock::now();
    refusal = co_await milters_on_mail(facts);
    if (refusal) {
        end_transaction();
        co_return *std::move(refusal);
    }
    co_return good;
}

/// Asks addressd about all RCPT commands that have come already, so that the answers to a pipelined
/// group are on their way together (RFC 2920 section 3.2 allows it, the replies keep their order).
Task<void> Session::expect_recipients() {
    if (expected_ > 0 || !stream_.buffered()) co_return;
    std::string_view input = co_await stream_.peek();
    while (expected_ < kMostExpected) {
        const std::size_t end = input.find("\r\n");
        if (end == std::string_view::npos) break;
        const smtp::Command words = smtp::split_command(input.substr(0, end));
        input.remove_prefix(end + 2);
        if (!iequals(words.verb, "RCPT")) break;
        const auto recipient = parse_rcpt(words.arguments);
        ++expected_;
        if (recipient) server_.backend.expect(recipient->address);
    }
}

Result<ipc::SubmitRecipient> Session::parse_rcpt(std::string_view arguments) const {
    const bool strict = settings_.strict_envelopes();
    if (!smtp::take_keyword(arguments, "TO:", strict) || trim(arguments).empty())
        return std::unexpected(syntax_error("5.5.4", "Syntax: RCPT TO:<address>"));
    smtp::AddressRules rules;
    rules.utf8 = transaction_ && transaction_->parameters.smtputf8;
    rules.strict = strict;
    auto mailbox = smtp::take_path(arguments, rules);
    if (!mailbox || mailbox->is_null() || mailbox->local.empty() || is_option(mailbox->local))
        return std::unexpected(syntax_error("5.1.3", "Bad recipient address syntax"));
    TRY(auto parameters, smtp::parse_rcpt_parameters(arguments, offered()));
    ipc::SubmitRecipient recipient;
    recipient.address = mailbox->internal();
    recipient.orcpt = std::move(parameters.orcpt);
    recipient.notify = parameters.notify;
    return recipient;
}

// RFC 5321 section 4.1.1.3
Task<Reply> Session::do_rcpt(std::string arguments) {
    if (!transaction_) co_return Reply{503, "5.5.1", "Error: need MAIL command"};
    if (transaction_->chunking) co_return Reply{503, "5.5.1", "Error: RCPT after BDAT"};
    std::optional<Reply> verdict = screen_recipient(arguments);
    if (verdict) co_return *std::move(verdict);
    if (expected_ > 0) {
        --expected_;
    } else {
        co_await expect_recipients();
    }
    Result<ipc::SubmitRecipient> parsed = parse_rcpt(arguments);
    if (!parsed) co_return refusal_of(parsed.error());
    const auto limit = static_cast<std::size_t>(settings_.limits.recipients());
    if (transaction_->recipients.size() >= limit) {
        // RFC 5321 section 4.5.3.1.10: the client sends the rest in another transaction.  That is
        // no error of its own yet.
        const auto overshoot = static_cast<std::size_t>(settings_.limits.recipient_overshoot());
        if (++transaction_->overshoot <= overshoot && errors_ > 0) --errors_;
        co_return Reply{452, "4.5.3", "Error: too many recipients"};
    }
    last_recipient_ = parsed->address;
    std::optional<Reply> refusal = co_await check_recipient(parsed->address);
    if (refusal) {
        co_await milters_on_rejected(parsed->address, *refusal);
        co_return *std::move(refusal);
    }
    Facts facts = this->facts("RCPT");
    facts.recipient = &parsed->address;
    refusal = co_await milters_on_recipient(*parsed, facts);
    if (refusal) co_return *std::move(refusal);
    if (is_proxied() && !adjusts_speed()) {
        name_message();
        refusal = co_await proxy_recipient(*parsed);
        if (refusal) co_return *std::move(refusal);
    }
    name_message();
    transaction_->recipients.push_back(*std::move(parsed));
    co_return Reply{250, "2.1.5", "Ok"};
}

Task<std::optional<Reply>> Session::check_recipient(const std::string& address) {
    Facts facts = this->facts("RCPT");
    facts.recipient = &address;
    std::optional<Reply> refusal = co_await server_.gate.recipient(facts);
    if (refusal) co_return refused(facts, *std::move(refusal));
    refusal = co_await ask_policy(ipc::PolicyMoment::recipient, transaction_->sender, address);
    if (refusal) co_return refusal;
    transaction_->effects.take(std::move(facts.effects));
    co_return std::nullopt;
}

/// With its first recipient a transaction gets the name by which the logs know it.
void Session::name_message() {
    Transaction& transaction = *transaction_;
    if (!transaction.queue_id.empty()) return;
    transaction.queue_id = spool::make_queue_id();
    std::string line = transaction.queue_id + ": client=" + client_.text();
    if (!client_.login.empty()) {
        line += ", sasl_method=" + client_.mechanism + ", sasl_username=" + client_.login;
    }
    if (!forwarded_.ident.empty()) line += ", orig_queue_id=" + forwarded_.ident;
    if (!forwarded_.address.empty() || !forwarded_.name.empty())
        line += ", orig_client=" + forwarded_.name + '[' + forwarded_.address + ']';
    log_info(line);
}

}  // namespace facteur::smtpd
