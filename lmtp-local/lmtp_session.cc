#include "lmtp-local/lmtp_session.h"

#include <ctime>
#include <optional>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/write_all.h"
#include "lib/event/errors.h"
#include "lib/smtp/address.h"
#include "lib/smtp/command.h"
#include "lib/smtp/parameters.h"
#include "lib/smtp/transparency.h"
#include "lib/spool/delays.h"
#include "lib/spool/queue_id.h"

namespace facteur::lmtp_local {

using smtp::Reply;

namespace {

constexpr int kMostErrors = 20;

Reply reply_for(const Error& error, int temporary_code, int permanent_code) {
    return Reply{error.is_temporary() ? temporary_code : permanent_code, error.status, error.text};
}

Reply too_large() {
    return Reply{552, "5.3.4", "Message size exceeds fixed limit"};  // RFC 1870 section 6.3
}

}  // namespace

// RFC 2033 section 4.1: LHLO instead of HELO and EHLO; the rest is RFC 5321 section 4.1.4.
const LmtpSession::Verb LmtpSession::kVerbs[] = {
    {"LHLO", nothing, &LmtpSession::do_lhlo}, {"MAIL", hello, &LmtpSession::do_mail},
    {"RCPT", mail, &LmtpSession::do_rcpt},    {"DATA", mail, &LmtpSession::do_data},
    {"BDAT", mail, &LmtpSession::do_bdat},    {"RSET", nothing, &LmtpSession::do_rset},
    {"NOOP", nothing, &LmtpSession::do_noop}, {"VRFY", nothing, &LmtpSession::do_vrfy},
    {"QUIT", nothing, &LmtpSession::do_quit},
};

LmtpSession::LmtpSession(Stream& stream, Deliverer& deliverer, const Settings& settings)
    : stream_(stream), deliverer_(deliverer), settings_(settings) {}

Task<void> LmtpSession::run() {
    std::optional<Reply> farewell;
    try {
        co_await converse();
    } catch (const TimedOut&) {
        farewell.emplace(Reply{421, "4.4.2", settings_.myhostname() + " Error: timeout exceeded"});
    } catch (const Cancelled&) {
        farewell.emplace(Reply{421, "4.3.2", settings_.myhostname() + " Shutting down"});
    } catch (const Disconnect&) {
    }
    if (farewell) stream_.put(smtp::to_wire(*farewell));
    stream_.close();
}

Task<void> LmtpSession::converse() {
    stream_.set_deadline(settings_.timeout());
    stream_.put("220 " + settings_.myhostname() + " LMTP " + settings_.mail_name() + "\r\n");
    while (!quit_) {
        if (!stream_.has_line()) co_await stream_.flush();  // RFC 2920 section 3.2
        stream_.set_deadline(settings_.timeout());
        Line line = co_await stream_.read_line(smtp::kMaxCommandLine);
        Reply reply{500, "5.5.6", "Line too long"};
        if (!line.too_long) reply = co_await command(std::move(line.text));
        stream_.put(smtp::to_wire(reply));
        if (reply.code >= 500 && ++errors_ >= kMostErrors) {
            stream_.put("421 4.7.0 " + settings_.myhostname() + " Error: too many errors\r\n");
            break;
        }
    }
    co_await stream_.flush();
}

Task<Reply> LmtpSession::command(std::string line) {
    smtp::Command command = smtp::split_command(line);
    for (const Verb& verb : kVerbs) {
        if (!iequals(verb.name, command.verb)) continue;
        if ((have_ & verb.needs) != verb.needs)
            co_return Reply{503, "5.5.1", "Error: bad sequence of commands"};
        // RFC 3030 section 2: nothing but BDAT, RSET, NOOP and QUIT between chunks.
        if ((have_ & chunks) && (verb.needs & (mail | hello)) && verb.name != "BDAT")
            co_return Reply{503, "5.5.1", "Error: BDAT is expected"};
        std::string arguments(command.arguments);
        co_return co_await (this->*verb.handler)(std::move(arguments));
    }
    co_return Reply{500, "5.5.2", "Error: command not recognized"};
}

void LmtpSession::reset() {
    have_ &= hello;
    mail_ = Mail();
    recipients_.clear();
    too_large_ = false;
}

Task<Reply> LmtpSession::do_lhlo(std::string arguments) {
    if (arguments.empty()) co_return Reply{501, "5.5.4", "Syntax: LHLO hostname"};
    reset();
    client_ = printable(arguments, 255);
    have_ = hello;
    std::string text =
        settings_.myhostname() + "\nPIPELINING\n8BITMIME\nENHANCEDSTATUSCODES\nCHUNKING\nSIZE";
    if (settings_.message_size_limit() > 0)
        text += " " + std::to_string(settings_.message_size_limit());
    if (settings_.smtputf8_enable()) text += "\nSMTPUTF8";
    co_return Reply{250, {}, std::move(text)};
}

// RFC 5321 section 4.1.1.2
Task<Reply> LmtpSession::do_mail(std::string arguments) {
    if (have_ & mail) co_return Reply{503, "5.5.1", "Error: nested MAIL command"};
    std::string_view rest = arguments;
    if (!smtp::take_keyword(rest, "FROM:"))
        co_return Reply{501, "5.5.4", "Syntax: MAIL FROM:<address>"};
    smtp::AddressRules rules;
    rules.utf8 = settings_.smtputf8_enable();
    auto sender = smtp::take_path(rest, rules);
    if (!sender) co_return reply_for(sender.error(), 451, 501);
    smtp::Offered offered;
    offered.smtputf8 = settings_.smtputf8_enable();
    offered.dsn = false;
    offered.auth = false;
    auto parameters = smtp::parse_mail_parameters(rest, offered);
    if (!parameters) co_return reply_for(parameters.error(), 451, 555);
    auto limit = static_cast<std::uint64_t>(settings_.message_size_limit());
    if (limit > 0 && parameters->size.value_or(0) > limit) co_return too_large();
    mail_ = Mail();
    mail_.sender = sender->internal();
    mail_.body = static_cast<std::uint8_t>(parameters->body);
    mail_.smtputf8 = parameters->smtputf8;
    mail_.durable = true;
    have_ |= mail;
    co_return Reply{250, "2.1.0", "Ok"};
}

// RFC 5321 section 4.1.1.3
Task<Reply> LmtpSession::do_rcpt(std::string arguments) {
    std::string_view rest = arguments;
    if (!smtp::take_keyword(rest, "TO:"))
        co_return Reply{501, "5.5.4", "Syntax: RCPT TO:<address>"};
    smtp::AddressRules rules;
    rules.utf8 = settings_.smtputf8_enable();
    auto path = smtp::take_path(rest, rules);
    if (!path) co_return reply_for(path.error(), 451, 501);
    if (path->is_null()) co_return Reply{501, "5.1.3", "Bad recipient address syntax"};
    smtp::Offered offered;
    offered.dsn = false;
    auto parameters = smtp::parse_rcpt_parameters(rest, offered);
    if (!parameters) co_return reply_for(parameters.error(), 451, 555);
    if (std::ssize(recipients_) >= settings_.recipient_limit())
        co_return Reply{452, "4.5.3", "Error: too many recipients"};
    std::string address = path->internal();
    auto user = co_await deliverer_.find(address);
    if (!user) co_return reply_for(user.error(), 451, 550);
    if (!*user) co_return Reply{550, "5.1.1", "<" + path->external() + "> User doesn't exist"};
    recipients_.push_back(std::move(address));
    have_ |= rcpt;
    co_return Reply{250, "2.1.5", "Ok"};
}

Result<void> LmtpSession::keep(std::string_view block) {
    auto limit = static_cast<std::uint64_t>(settings_.message_size_limit());
    if (!mail_.content) {
        mail_.content.reset(::memfd_create("facteur-lmtp", MFD_CLOEXEC));
        if (!mail_.content) return system_error("memory file");
    }
    mail_.size += block.size();
    too_large_ = too_large_ || (limit > 0 && mail_.size > limit);
    if (too_large_) return {};
    if (!write_all(mail_.content.get(), block)) return system_error("memory file");
    return {};
}

Task<Result<void>> LmtpSession::receive_data() {
    // Whoever speaks LMTP to us is no stranger; bare LFs are made good, not refused.
    smtp::DotDecoder decoder(smtp::DotDecoder::BareLf::normalize);
    Result<void> kept;
    std::string block;
    while (!decoder.done()) {
        stream_.set_deadline(settings_.timeout());
        std::string_view input = co_await stream_.peek();
        block.clear();
        stream_.consume(decoder.decode(input, block));
        if (kept) kept = keep(block);
    }
    co_return kept;
}

Task<Reply> LmtpSession::do_data(std::string) {
    if (have_ & chunks) co_return Reply{503, "5.5.1", "Error: DATA after BDAT"};
    // RFC 2033 section 4.2: without a single valid recipient DATA fails.
    if (!(have_ & rcpt)) co_return Reply{503, "5.5.1", "Error: no valid recipients"};
    stream_.put("354 End data with <CR><LF>.<CR><LF>\r\n");
    co_await stream_.flush();
    Result<void> received = co_await receive_data();
    if (!received) co_return for_all(reply_for(received.error(), 451, 451));
    co_return co_await deliver();
}

// RFC 3030 section 2; the reply to a chunk that is not the last is one, as in SMTP.
Task<Reply> LmtpSession::do_bdat(std::string arguments) {
    auto chunk = smtp::parse_chunk(arguments);
    if (!chunk) {
        quit_ = true;  // its end cannot be found
        co_return Reply{501, "5.5.4", "Syntax: BDAT count [LAST]"};
    }
    Result<void> kept;
    for (std::uint64_t left = chunk->size; left > 0;) {
        stream_.set_deadline(settings_.timeout());
        std::string_view input = co_await stream_.peek();
        input = input.substr(0, left);
        if (kept) kept = keep(input);
        left -= input.size();
        stream_.consume(input.size());
    }
    if (!(have_ & rcpt)) co_return Reply{503, "5.5.1", "Error: no valid recipients"};
    have_ |= chunks;
    if (!kept) {
        Reply reply = reply_for(kept.error(), 451, 451);
        if (chunk->last) co_return for_all(reply);
        reset();
        co_return reply;
    }
    if (!chunk->last)
        co_return Reply{250, "2.0.0", "Ok: " + std::to_string(chunk->size) + " bytes"};
    co_return co_await deliver();
}

Reply LmtpSession::for_all(const Reply& reply) {
    for (std::size_t i = 1; i < recipients_.size(); ++i)
        stream_.put(smtp::to_wire(reply));
    reset();
    return reply;
}

std::string LmtpSession::received_field(const std::string& recipient) const {
    return fmt::format(
        "Received: from {} ({})\r\n\tby {} ({}) with LMTP id {}\r\n\tfor <{}>; {}\r\n", client_,
        stream_.peer().text(), settings_.myhostname(), settings_.mail_name(), mail_.id,
        smtp::to_external(recipient), rfc5322_date(std::chrono::system_clock::now()));
}

Task<Reply> LmtpSession::deliver() {
    if (too_large_) co_return for_all(too_large());
    auto nothing_came = keep({});
    if (!nothing_came) co_return for_all(reply_for(nothing_came.error(), 451, 451));
    mail_.id = spool::make_queue_id();
    mail_.arrival = spool::wall_clock();
    Reply reply;
    for (std::size_t i = 0; i < recipients_.size(); ++i) {
        ipc::JobRecipient recipient;
        recipient.index = static_cast<std::uint32_t>(i);
        recipient.address = recipients_[i];
        mail_.trace = received_field(recipient.address);
        Outcome outcome = co_await deliverer_.to_virtual(mail_, recipient);
        bool good = outcome.is_good();
        bool final = outcome.outcome == ipc::Outcome::failed;
        log_info(fmt::format("{}: to=<{}>, from=<{}>, relay=lmtp, dsn={}, status={} ({})", mail_.id,
                             smtp::to_external(recipient.address), smtp::to_external(mail_.sender),
                             outcome.status,
                             good    ? "sent"
                             : final ? "bounced"
                                     : "deferred",
                             outcome.text));
        // RFC 2033 section 4.2: one reply a recipient, in the order of RCPT.
        if (i > 0) stream_.put(smtp::to_wire(reply));
        reply.code = good ? 250 : final ? 550 : 451;
        if (outcome.status == "5.2.2" || outcome.status == "5.2.3") reply.code = 552;
        if (outcome.status == "4.2.2") reply.code = 452;
        reply.status = outcome.status;
        reply.text = "<" + smtp::to_external(recipient.address) + "> " +
                     (good ? mail_.id + " Saved" : outcome.text);
    }
    reset();
    co_return reply;
}

Task<Reply> LmtpSession::do_rset(std::string) {
    reset();
    co_return Reply{250, "2.0.0", "Ok"};
}

Task<Reply> LmtpSession::do_noop(std::string) {
    co_return Reply{250, "2.0.0", "Ok"};
}

// RFC 5321 section 3.5.3: 252 tells nothing.
Task<Reply> LmtpSession::do_vrfy(std::string) {
    co_return Reply{252, "2.5.2", "Try RCPT"};
}

Task<Reply> LmtpSession::do_quit(std::string) {
    quit_ = true;
    co_return Reply{221, "2.0.0", "Bye"};
}

}  // namespace facteur::lmtp_local
