// One message over an open connection.
#include <algorithm>

#include <fmt/format.h>

#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"
#include "lib/mime/seven_bit.h"
#include "lib/smtp/transparency.h"
#include "lib/spool/delays.h"
#include "smtp-client/conversation.h"

namespace facteur::smtp_client {
namespace {

/// Commands that are on their way before an answer is read.  Their answers must fit into the
/// buffers of the network, or both sides would wait for each other (RFC 2920 section 3.1).
constexpr std::size_t kWindow = 100;
/// A content up to this size leaves in one packet with the commands before it.
constexpr std::uint64_t kSmall = 16 * 1024;
constexpr const char* kEndOfData = "sending end of data -- message may be sent more than once";

}  // namespace

struct Conversation::Transaction {
    enum class Step { rset, mail, rcpt, data, bdat };

    Envelope envelope;
    std::vector<Verdict> verdicts;
    std::vector<Step> steps;
    std::size_t first_rcpt = 0;      ///< among the steps
    std::optional<Trouble> trouble;  ///< of RSET, MAIL, DATA: concerns everybody
    std::vector<std::size_t> taken;  ///< recipients that the server accepted
    std::unique_ptr<Content> converted;
    bool chunking = false;
    bool eight_bit = false;       ///< the content has bytes beyond ASCII
    bool ready_for_data = false;  ///< 354 came
    bool content_sent = false;    ///< an answer to all of the content is due
    bool final_dot = false;       ///< all of it is sent: the server may have it
    bool answered = false;        ///< the answers to all commands before the content came

    /// A chunk may leave with the commands before it, and a server may keep all its answers until
    /// it has read that (RFC 2920 section 3.2): none of them is no sign that it took nothing.
    bool may_have_arrived() const { return final_dot && (!answered || !taken.empty()); }
};

/// Why this server cannot take the message at all.
std::optional<Trouble> Conversation::obstacle(const Envelope& envelope) const {
    std::uint64_t size = envelope.content->size();
    // RFC 1870 section 6.1: no use to try.
    if (offers_.size_limit > 0 && size > offers_.size_limit) {
        return unfit(target_, true, "5.3.4",
                     fmt::format("message size {} exceeds size limit {} of server {}", size,
                                 offers_.size_limit, target_.name_and_ip()));
    }
    // RFC 8689 section 4.2.1: only over TLS to a server that has proved itself, and that will ask
    // the same of the next one.  Another server of the domain may be able to.
    if (envelope.job->requiretls && !(is_proved() && offers_.requiretls)) {
        Trouble trouble = unfit(target_, true, "5.7.30",
                                "REQUIRETLS support required, but was not offered under verified "
                                "TLS by host " +
                                    target_.name_and_ip());
        trouble.elsewhere = true;
        return trouble;
    }
    return time_obstacle(*envelope.job);
}

/// Looks what the content is like; for a server that takes 7 bits only it is converted, or goes
/// back (RFC 6152 section 3).
Task<void> Conversation::prepare_content(Transaction& transaction) {
    Envelope& envelope = transaction.envelope;
    // RFC 6531 section 3.2: it must not be sent to a server that cannot keep it whole.
    bool utf8 = co_await needs_utf8(envelope);
    if (utf8 && !offers_.smtputf8) {
        transaction.trouble =
            unfit(target_, true, "5.6.7",
                  "SMTPUTF8 is required, but was not offered by host " + target_.name_and_ip());
        co_return;
    }
    if (!offers_.eight_bit_mime && settings_.disable_mime_conversion()) co_return;
    Content::Traits traits = co_await envelope.content->traits();
    if (offers_.eight_bit_mime) {
        transaction.eight_bit = traits.eight_bit;
        auto limit = static_cast<std::size_t>(settings_.line_length());
        bool too_long = limit > 0 && traits.longest > limit;
        if (too_long) {
            transaction.converted = std::make_unique<Content>(envelope.content->broken(limit));
            envelope.content = transaction.converted.get();
        }
        transaction.chunking =
            offers_.chunking && !too_long && !traits.strays && envelope.content->size() > 0;
    } else if (traits.eight_bit) {
        auto converted = mime::to_seven_bit(envelope.content->all());
        if (converted) {
            transaction.converted = std::make_unique<Content>(*std::move(converted));
            envelope.content = transaction.converted.get();
        } else {
            transaction.trouble =
                unfit(target_, true, converted.error().status,
                      "8BITMIME is required, but was not offered by host " + target_.name_and_ip());
        }
    }
}

Task<std::vector<Verdict>> Conversation::deliver(Envelope envelope) {
    Transaction transaction;
    transaction.envelope = std::move(envelope);
    transaction.verdicts.resize(transaction.envelope.recipients.size());
    bool timed_out = false;
    bool interrupted_here = false;
    ++messages_;
    try {
        co_await transact(transaction);
    } catch (const Cancelled&) {
        broken_ = true;
        throw;
    } catch (const TimedOut&) {
        timed_out = interrupted_here = true;
    } catch (const Disconnect&) {
        interrupted_here = true;
    }
    if (interrupted_here) {
        broken_ = true;
        if (transaction.may_have_arrived()) doing_ = kEndOfData;
        transaction.trouble = interrupted(target_, timed_out, doing_);
    }
    for (Verdict& verdict : transaction.verdicts) {
        if (verdict.kind != Verdict::Kind::unsettled || !transaction.trouble) continue;
        verdict.trouble = *transaction.trouble;
        verdict.ambiguous = interrupted_here && transaction.may_have_arrived();
        if (!interrupted_here) verdict.kind = Verdict::Kind::refused;
    }
    co_return std::move(transaction.verdicts);
}

Task<void> Conversation::transact(Transaction& transaction) {
    const Envelope& envelope = transaction.envelope;
    transaction.trouble = obstacle(envelope);
    const bool verify = envelope.job->verify;
    if (!transaction.trouble && !verify) co_await prepare_content(transaction);
    if (transaction.trouble) co_return;
    if (!verify && !offers_.xforward.empty()) co_await tell_origin(envelope);
    using Step = Transaction::Step;
    if (needs_reset_) transaction.steps.push_back(Step::rset);
    transaction.steps.push_back(Step::mail);
    transaction.first_rcpt = transaction.steps.size();
    transaction.steps.insert(transaction.steps.end(), envelope.recipients.size(), Step::rcpt);
    if (verify) {
        if (settings_.verify_target() == VerifyTarget::data)
            transaction.steps.push_back(Step::data);
        needs_reset_ = true;
        co_await exchange(transaction);
        co_return;
    }
    bool small = envelope.content->size() <= kSmall;
    if (!transaction.chunking) transaction.steps.push_back(Step::data);
    if (transaction.chunking && small && offers_.pipelining)
        transaction.steps.push_back(Step::bdat);
    needs_reset_ = true;
    co_await exchange(transaction);
    transaction.answered = true;
    if (transaction.chunking) {
        if (!transaction.content_sent && !transaction.taken.empty())
            co_await send_chunk(transaction);
    } else if (transaction.ready_for_data) {
        co_await send_data(transaction);
    }
    if (transaction.content_sent) co_await read_final(transaction);
}

/// Sends the commands, as many at a time as the server allows, and reads their answers.
Task<void> Conversation::exchange(Transaction& transaction) {
    using Step = Transaction::Step;
    const Envelope& envelope = transaction.envelope;
    std::size_t window = offers_.pipelining ? kWindow : 1;
    const auto& steps = transaction.steps;
    for (std::size_t from = 0; from < steps.size();) {
        std::size_t to = std::min(steps.size(), from + window);
        for (std::size_t i = from; i < to; ++i) {
            // Answers to what went before are known: nothing is left to send.
            bool hopeless = transaction.trouble.has_value();
            bool content = steps[i] == Step::data || steps[i] == Step::bdat;
            if (from >= transaction.first_rcpt + envelope.recipients.size()) {
                hopeless = hopeless || (content && transaction.taken.empty());
            }
            if (hopeless) co_return;
            if (steps[i] == Step::rset) stream_->put("RSET\r\n");
            if (steps[i] == Step::mail)
                stream_->put(mail_command(envelope, transaction.eight_bit) + "\r\n");
            if (steps[i] == Step::rcpt) {
                stream_->put(rcpt_command(*envelope.recipients[i - transaction.first_rcpt],
                                          envelope.addresses[i - transaction.first_rcpt]) +
                             "\r\n");
            }
            if (steps[i] == Step::data) stream_->put("DATA\r\n");
            if (steps[i] == Step::bdat) co_await send_chunk(transaction);
        }
        stream_->set_deadline(settings_.timeouts.mail());
        co_await stream_->flush();
        co_await read_answers(transaction, from, to);
        from = to;
    }
}

Task<void> Conversation::read_answers(Transaction& transaction, std::size_t from, std::size_t to) {
    using Step = Transaction::Step;
    const Timeouts& timeouts = settings_.timeouts;
    for (std::size_t i = from; i < to; ++i) {
        Milliseconds budget{};
        switch (transaction.steps[i]) {
            case Step::rset:
                doing_ = "sending RSET";
                budget = timeouts.rset();
                break;
            case Step::mail:
                doing_ = "sending MAIL FROM";
                budget = timeouts.mail();
                break;
            case Step::rcpt:
                doing_ = "sending RCPT TO";
                budget = timeouts.rcpt();
                break;
            case Step::data:
                doing_ = "sending DATA command";
                budget = timeouts.data_init();
                break;
            case Step::bdat:
                co_return;  // its answer is the final one
        }
        smtp::Reply answer = co_await reply(budget);
        note(transaction, i, answer);
        if (broken_) break;
    }
}

void Conversation::note(Transaction& transaction, std::size_t step, const smtp::Reply& reply) {
    using Step = Transaction::Step;
    switch (transaction.steps[step]) {
        case Step::rset:
            if (!reply.is_positive()) transaction.trouble = refused(target_, reply, "RSET command");
            break;
        case Step::mail:
            if (!reply.is_positive() && !transaction.trouble) {
                transaction.trouble = refused(target_, reply, "MAIL FROM command");
            }
            break;
        case Step::rcpt: {
            std::size_t recipient = step - transaction.first_rcpt;
            Verdict& verdict = transaction.verdicts[recipient];
            if (transaction.trouble) break;  // MAIL failed: the answer says nothing new
            if (reply.is_positive()) {
                transaction.taken.push_back(recipient);
                const bool enough = settings_.verify_target() == VerifyTarget::rcpt;
                if (transaction.envelope.job->verify && enough) {
                    verdict.kind = Verdict::Kind::accepted;
                    verdict.reply = reply;
                }
            } else {
                verdict.kind = Verdict::Kind::refused;
                verdict.trouble = refused(target_, reply, "RCPT TO command");
                verdict.trouble.too_many = verdict.trouble.status == "4.5.3";
            }
            break;
        }
        case Step::data:
            transaction.ready_for_data = reply.is_intermediate();
            if (!transaction.ready_for_data && !transaction.taken.empty()) {
                transaction.trouble = refused(target_, reply, "DATA command");
            }
            if (transaction.ready_for_data && transaction.envelope.job->verify) {
                for (std::size_t recipient : transaction.taken) {
                    transaction.verdicts[recipient].kind = Verdict::Kind::accepted;
                    transaction.verdicts[recipient].reply = reply;
                }
                broken_ = true;  // only hanging up keeps it from being a message
            }
            break;
        case Step::bdat:
            break;
    }
    constexpr int kClosing = 421;
    if (reply.code == kClosing && !transaction.trouble) {
        transaction.trouble = refused(target_, reply, "RCPT TO command");
    }
}

/// RFC 5321 section 4.1.1.4.  Without any recipient the server should not have said 354; the empty
/// message that it gets is for nobody (RFC 2920 section 3.1).
Task<void> Conversation::send_data(Transaction& transaction) {
    doing_ = "sending message body";
    Content& content = *transaction.envelope.content;
    smtp::DotEncoder encoder;
    std::string out;
    const TimePoint started = Loop::current().now();
    std::uint64_t size = transaction.taken.empty() ? 0 : content.size();
    for (std::uint64_t at = 0; at < size;) {
        std::string block = content.read(at);
        at += block.size();
        out.clear();
        encoder.encode(block, out);
        stream_->put(std::move(out));
        out = std::string();
        stream_->set_deadline(transfer_budget(started, at));
        if (at < size) co_await stream_->flush();
    }
    if (has_workaround("delay_dotcrlf")) co_await pause_before_dot(transaction);
    encoder.finish(out);
    stream_->put(std::move(out));
    transaction.content_sent = true;
    transaction.final_dot = !transaction.taken.empty();
    doing_ = kEndOfData;
    stream_->set_deadline(settings_.timeouts.data_xfer());
    co_await stream_->flush();
}

/// Without smtp_per_request_deadline each piece has its own time; with it only a server that keeps
/// up with smtp_min_data_rate gets more than one piece would.
Milliseconds Conversation::transfer_budget(TimePoint started, std::uint64_t sent) const {
    const Milliseconds timeout = settings_.timeouts.data_xfer();
    if (!settings_.timeouts.per_request()) return timeout;
    const Milliseconds earned(sent * 1000 /
                              static_cast<std::uint64_t>(settings_.timeouts.min_data_rate()));
    const auto spent = std::chrono::duration_cast<Milliseconds>(Loop::current().now() - started);
    return std::clamp(timeout + earned - spent, Milliseconds(1), timeout);
}

/// A firewall that does not see a final dot which is split between packets; only mail that had no
/// luck before waits for that.
Task<void> Conversation::pause_before_dot(Transaction& transaction) {
    auto age = spool::wall_clock() - transaction.envelope.job->arrival;
    if (std::chrono::microseconds(age) < settings_.pix_threshold()) co_return;
    stream_->set_deadline(settings_.timeouts.data_xfer());
    co_await stream_->flush();
    co_await Sleep(stream_->scope(), settings_.pix_delay());
}

/// RFC 3030 section 2: the bytes as they are, without transparency.
Task<void> Conversation::send_chunk(Transaction& transaction) {
    Content& content = *transaction.envelope.content;
    doing_ = "sending message body";
    stream_->put(fmt::format("BDAT {} LAST\r\n", content.size()));
    transaction.content_sent = true;
    if (content.size() <= kSmall) {
        stream_->put(content.read(0));
        if (!transaction.taken.empty()) {
            stream_->set_deadline(settings_.timeouts.data_xfer());
            co_await stream_->flush();
        }
    } else {
        // The deadline is for each piece, not for all of a large message.
        constexpr std::uint64_t kPiece = 256 * 1024;
        const TimePoint started = Loop::current().now();
        for (std::uint64_t at = 0; at < content.size(); at += kPiece) {
            auto size = static_cast<std::size_t>(std::min(kPiece, content.size() - at));
            stream_->set_deadline(transfer_budget(started, at + size));
            co_await stream_->put_file(content.fd(), static_cast<off_t>(content.offset() + at),
                                       size);
            co_await stream_->flush();
        }
    }
    transaction.final_dot = true;
}

Task<void> Conversation::read_final(Transaction& transaction) {
    if (broken_) co_return;
    doing_ = kEndOfData;
    // RFC 2033 section 4.2: LMTP answers once for each recipient that was accepted.
    bool lmtp = manner_.protocol == Protocol::lmtp;
    std::size_t answers = lmtp ? transaction.taken.size() : 1;
    if (lmtp && transaction.chunking) answers = std::max<std::size_t>(answers, 1);
    for (std::size_t i = 0; i < answers; ++i) {
        smtp::Reply answer = co_await reply(settings_.timeouts.data_done());
        std::size_t first = lmtp ? i : 0;
        std::size_t last = lmtp ? i + 1 : transaction.taken.size();
        for (std::size_t k = first; k < std::min(last, transaction.taken.size()); ++k) {
            Verdict& verdict = transaction.verdicts[transaction.taken[k]];
            bool good = answer.is_positive();
            verdict.kind = good ? Verdict::Kind::accepted : Verdict::Kind::refused;
            verdict.reply = answer;
            if (!good) verdict.trouble = refused(target_, answer, "end of DATA command");
        }
        if (broken_ && !answer.is_positive()) break;
    }
    needs_reset_ = false;
}

}  // namespace facteur::smtp_client
