// DATA and BDAT, and what becomes of the content.
#include <algorithm>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/loop.h"
#include "lib/smtp/address.h"
#include "lib/smtp/command.h"
#include "lib/smtp/keywords.h"
#include "lib/smtp/parameters.h"
#include "smtpd/received.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace {

/// What is read and thrown away of a content that is too big, before the client is cut off.
constexpr std::uint64_t kDrained = std::uint64_t{64} << 20;

/// A client that does not know the rules believes that this ended its data.
bool looks_like_end(std::string_view content) {
    return content.ends_with("\n.\n") || content.ends_with("\n.\r\n") ||
           content.ends_with("\r.\r") || content.ends_with("\n.\r");
}

std::string lines_of(const std::vector<std::string>& fields) {
    std::string lines;
    for (const std::string& field : fields)
        lines.append(field).append("\r\n");
    return lines;
}

/// Who gets it after REDIRECT and BCC (access(5)).
std::vector<ipc::SubmitRecipient> recipients_of(Transaction& transaction) {
    std::vector<ipc::SubmitRecipient> recipients;
    if (!transaction.effects.redirect.empty()) {
        ipc::SubmitRecipient only;
        only.address = smtp::to_internal(transaction.effects.redirect);
        if (!transaction.recipients.empty()) only.original = transaction.recipients.front().address;
        recipients.push_back(std::move(only));
        return recipients;
    }
    recipients = std::move(transaction.recipients);
    for (const std::string& copy : transaction.effects.copies) {
        ipc::SubmitRecipient hidden;
        hidden.address = smtp::to_internal(copy);
        hidden.notify = smtp::notify::kNever;  // nobody but us knows of it
        recipients.push_back(std::move(hidden));
    }
    return recipients;
}

Reply storage_reply(const Error& error) {
    if (error.status == "4.3.1") return Reply{452, "4.3.1", "Insufficient system storage"};
    return Reply{451, "4.3.0", "Error: queue file write error"};
}

}  // namespace

Task<std::optional<Reply>> Session::may_send_content() {
    if (!transaction_) {
        Reply reply{503, "5.5.1", "Error: need RCPT command"};
        co_return reply;
    }
    if (transaction_->recipients.empty()) {
        Reply reply{554, "5.5.1", "Error: no valid recipients"};
        co_return reply;
    }
    Facts facts = this->facts(last_verb_);
    std::optional<Reply> refusal = co_await server_.gate.data(facts);
    if (refusal) refusal = refused(facts, *std::move(refusal));
    transaction_->effects.take(std::move(facts.effects));
    if (!refusal) refusal = co_await milters_on_data(facts);
    co_return refusal;
}

void Session::begin_content() {
    Content::Limits limits;
    limits.in_memory = settings_.message.journal_message_limit();
    limits.size = settings_.message_size_limit();
    transaction_->content =
        std::make_unique<Content>(server_.backend, transaction_->queue_id, limits);
    transaction_->content->set_trace(trace_fields());
}

// RFC 5321 section 4.1.1.4
Task<Reply> Session::do_data(std::string arguments) {
    if (!arguments.empty()) co_return Reply{501, "5.5.4", "Syntax: DATA"};
    if (transaction_ && transaction_->chunking)
        co_return Reply{503, "5.5.1", "Error: DATA after BDAT"};
    std::optional<Reply> refusal = co_await may_send_content();
    if (refusal) co_return *std::move(refusal);
    begin_content();
    stream_.put("354 End data with <CR><LF>.<CR><LF>\r\n");
    co_await stream_.flush();
    smtp::DotDecoder decoder(bare_lf_);
    const TimePoint started = Loop::current().now();
    Content& content = *transaction_->content;
    while (!decoder.done()) {
        keep_pace(started, content.received());
        const std::string_view block = co_await stream_.peek();
        const std::size_t before = content.buffer().size();
        stream_.consume(decoder.decode(block, content.buffer()));
        const bool gives_up =
            decoder.strays().any() && !decoder.done() && !stream_.buffered() &&
            looks_like_end(std::string_view(content.buffer()).substr(before ? before - 1 : 0));
        co_await content.accept();
        if ((gives_up && refuses_strays_) || is_endless(content.received())) {
            quit_ = true;
            break;
        }
    }
    co_return co_await finish_message(decoder.strays());
}

/// One deadline for all of the content, which moves only as fast as the content comes: nobody can
/// hold a session with a byte now and then.
void Session::keep_pace(TimePoint started, std::uint64_t received) {
    const Milliseconds timeout = settings_.limits.timeout();
    const auto rate = static_cast<std::uint64_t>(settings_.limits.min_data_rate());
    const Milliseconds earned(received * 1000 / rate);
    const auto spent = std::chrono::duration_cast<Milliseconds>(Loop::current().now() - started);
    stream_.set_deadline(std::clamp(timeout + earned - spent, Milliseconds(1), timeout));
}

/// The rest of a content that is too big is read, so that the client hears why, but not for ever.
bool Session::is_endless(std::uint64_t size) const {
    const std::uint64_t limit = settings_.message_size_limit();
    return limit > 0 && size > limit && size - limit > kDrained;
}

// RFC 3030 section 2.  A chunk that is refused is read all the same: the client has sent it.
Task<Reply> Session::do_bdat(std::string arguments) {
    // What follows a BDAT that is not offered must not be read as commands.
    if (!offers(smtp::ehlo::kChunking))
        co_return break_off(521, "5.5.1", "Error: command not implemented");
    const auto chunk = smtp::parse_chunk(arguments);
    if (!chunk) co_return break_off(501, "5.5.4", "Syntax: BDAT count [LAST]");
    std::optional<Reply> refusal;
    const bool first = !transaction_ || !transaction_->chunking;
    if (first) {
        refusal = co_await may_send_content();
    } else if (transaction_->chunks_refused) {
        refusal.emplace(Reply{503, "5.5.1", "Error: need RSET after a refused BDAT"});
    }
    if (first && !refusal) begin_content();
    if (transaction_) {
        transaction_->chunking = true;
        transaction_->chunks_refused |= refusal.has_value();
    }
    co_await receive_chunk(chunk->size);
    if (quit_) co_return Reply{552, "5.3.4", "Error: message file too big"};
    if (refusal) co_return *std::move(refusal);
    if (chunk->last) {
        transaction_->strays.finish();
        co_return co_await finish_message(transaction_->strays.strays());
    }
    co_return Reply{250, "2.0.0", "Ok: " + std::to_string(chunk->size) + " bytes"};
}

Task<void> Session::receive_chunk(std::uint64_t size) {
    const bool taken = transaction_ && !transaction_->chunks_refused;
    if (is_endless(size)) {
        quit_ = true;
        co_return;
    }
    const TimePoint started = Loop::current().now();
    const std::uint64_t all = size;
    while (size > 0) {
        // The client may wait for the answer to an earlier chunk before it sends all of this one.
        if (!stream_.buffered()) co_await stream_.flush();
        keep_pace(started, all - size);
        std::string_view block = co_await stream_.peek();
        block =
            block.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(size, block.size())));
        if (taken) {
            transaction_->content->buffer().append(block);
            transaction_->strays.scan(block);
        }
        size -= block.size();
        stream_.consume(block.size());
        if (taken) co_await transaction_->content->accept();
        if (taken && is_endless(transaction_->content->received())) {
            quit_ = true;
            co_return;
        }
    }
}

std::string Session::trace_fields() const {
    const Transaction& transaction = *transaction_;
    std::string recipient;
    if (transaction.recipients.size() == 1)
        recipient = smtp::to_external(transaction.recipients.front().address);
    TraceFacts facts{client_,
                     settings_.myhostname(),
                     settings_.mail_name(),
                     transaction.queue_id,
                     recipient,
                     transaction.arrival,
                     transaction.parameters.smtputf8,
                     settings_.tls.received_header() ? stream_.tls() : nullptr,
                     settings_.sasl.header(),
                     transaction.parameters.priority,
                     settings_.tls.ask_ccert() || settings_.tls.req_ccert()};
    // As Postfix: what PREPEND gives stands above our own field, and a proxy between two others
    // adds none (its clients' fields are enough to break a loop).
    std::string fields = lines_of(transaction.effects.headers);
    if (is_proxied() && forwarded_.given) return fields;
    return fields.append(received_field(facts));
}

/// Why a content is refused for what it is.
std::optional<Reply> Session::content_fault(const smtp::Strays& strays) const {
    const Content& content = *transaction_->content;
    const int code = settings_.bare_newline_code();
    const std::string status = code >= 500 ? "5.5.2" : "4.5.2";
    if (strays.nul) return Reply{550, "5.6.0", "Error: NUL byte in message"};
    if (refuses_strays_ && strays.bare_lf) return Reply{code, status, "Error: bare <LF> received"};
    if (refuses_strays_ && strays.bare_cr) return Reply{code, status, "Error: bare <CR> received"};
    if (content.too_big()) return Reply{552, "5.3.4", "Error: message file too big"};
    if (content.failure()) return storage_reply(*content.failure());
    if (content.header().received > static_cast<std::size_t>(settings_.message.hopcount_limit()))
        return Reply{554, "5.4.0", "Error: too many hops"};
    return std::nullopt;
}

/// The whole content is here: check it, make it one, give it away.  The transaction ends, however
/// that goes (RFC 5321 section 4.1.1.4).
Task<Reply> Session::finish_message(smtp::Strays strays) {
    std::optional<Reply> refusal = content_fault(strays);
    Facts facts = this->facts("END-OF-MESSAGE");
    facts.size = transaction_->content->received();
    if (strays.any() && !refusal && settings_.bare_newline() != BareNewline::accept)
        log_info(std::string(facts.queue_id) + ": bare newline from " + client_.text());
    if (!refusal) refusal = co_await server_.gate.end_of_data(facts);
    std::vector<std::string> late_headers;  // PREPEND, when the others are in place already
    if (!refusal) {
        late_headers = std::move(facts.effects.headers);
        transaction_->effects.take(std::move(facts.effects));
        std::optional<Reply> verdict = co_await judge_content(std::move(late_headers), facts);
        if (verdict) {
            end_transaction();
            co_return *std::move(verdict);
        }
    }
    if (refusal) {
        const Reply reply = refused(facts, *std::move(refusal));
        end_transaction();
        co_return reply;
    }
    Reply reply = co_await submit_message();
    end_transaction();
    if (reply.code == 250) errors_ = junk_ = 0;
    co_return reply;
}

/// policyd sees what will be queued.
Task<std::optional<Reply>> Session::judge_content(std::vector<std::string> headers,
                                                  const Facts& facts) {
    Transaction& transaction = *transaction_;
    Content& content = *transaction.content;
    Result<void> stored = co_await content.finish();
    if (stored) stored = content.prepend(lines_of(headers));
    if (!stored) co_return storage_reply(stored.error());
    std::optional<Reply> refusal;
    // What a proxy filter takes is for the server behind it to look at.
    if (!is_proxied()) refusal = co_await clean_content(facts);
    if (refusal || transaction.effects.discard) co_return refusal;
    ipc::Judge question;
    question.queue_id = transaction.queue_id;
    question.client_address = client_.ip;
    question.client_name = client_.name;
    question.helo = client_.helo;
    question.sender = transaction.sender;
    for (const auto& recipient : transaction.recipients)
        question.recipients.push_back(recipient.address);
    question.login = client_.login;
    question.size = content.size();
    Result<ipc::PolicyReply> answer =
        co_await server_.backend.judge(std::move(question), content.fd());
    if (!answer) {
        log_warning(transaction.queue_id + ": policy: " + answer.error().text);
        Reply reply{451, "4.7.1", "Service unavailable - try again later"};
        co_return reply;
    }
    if (answer->verdict == ipc::Verdict::reject || answer->verdict == ipc::Verdict::defer) {
        Reply reply{answer->verdict == ipc::Verdict::reject ? 550 : 450, answer->status,
                    answer->text};
        if (answer->code != 0) reply.code = answer->code;
        co_return refused(this->facts("END-OF-MESSAGE"), std::move(reply));
    }
    transaction.effects.discard |= answer->verdict == ipc::Verdict::discard;
    transaction.effects.hold |= answer->verdict == ipc::Verdict::quarantine;
    stored = content.prepend(lines_of(answer->headers));
    if (!stored) co_return storage_reply(stored.error());
    if (is_proxied()) co_return co_await hand_to_proxy();
    co_return std::nullopt;
}

/// Only when qmgr says that it is on the disk does the client hear 250.
Task<Reply> Session::submit_message() {
    Transaction& transaction = *transaction_;
    Reply queued{250, "2.0.0", "Ok: queued as " + transaction.queue_id};
    if (transaction.effects.discard) {
        log_info(transaction.queue_id + ": discard: END-OF-MESSAGE from " + client_.text());
        co_return queued;
    }
    if (transaction.recipients.empty() && transaction.effects.redirect.empty()) {
        log_info(transaction.queue_id + ": no recipients left");  // milters deleted them
        co_return queued;
    }
    Content& content = *transaction.content;
    ipc::Submit message;
    message.queue_id = transaction.queue_id;
    message.sender = transaction.sender;
    message.recipients = recipients_of(transaction);
    const auto since_epoch = transaction.arrival.time_since_epoch();
    message.arrival = std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
    message.size = content.size();
    message.body = transaction.parameters.body == smtp::Body::eight_bit_mime ? 1 : 0;
    message.smtputf8 = transaction.parameters.smtputf8;
    message.requiretls = transaction.parameters.requiretls;
    message.ret = static_cast<std::uint8_t>(transaction.parameters.ret);
    message.envid = transaction.parameters.envid;
    put_wishes(message);
    message.client_name = client_.name;
    message.client_address = client_.ip;
    message.helo = client_.helo;
    message.protocol = client_.protocol(message.smtputf8);
    message.login = client_.login;
    if (forwarded_.given) {
        message.client_name = forwarded_.name;
        message.client_address = forwarded_.address;
        message.helo = forwarded_.helo;
        message.protocol = forwarded_.protocol;
    }
    forwarded_ = Forwarded();
    message.hold = transaction.effects.hold;
    message.unmapped = settings_.filters.leaves_out("no_address_mappings");
    // REDIRECT wins over FILTER, and FILTER over the parameter.
    if (transaction.effects.redirect.empty())
        message.filter = transaction.effects.filter.empty() ? settings_.message.content_filter()
                                                            : transaction.effects.filter;
    Result<Fd> sealed = content.seal();
    if (!sealed) co_return storage_reply(sealed.error());
    Result<void> taken = co_await server_.backend.submit(std::move(message), *std::move(sealed));
    if (taken) co_return queued;
    log_warning(transaction.queue_id + ": queue: " + taken.error().text);
    co_return storage_reply(taken.error());
}

}  // namespace facteur::smtpd
