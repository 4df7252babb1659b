// A connection up to its first message, and its end.  Transactions are in transaction.cc.
#include "smtp-client/conversation.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <sys/socket.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"

namespace facteur::smtp_client {

Conversation::Conversation(const Settings& settings, Target target, Manner manner,
                           std::unique_ptr<Stream> stream)
    : settings_(settings),
      target_(std::move(target)),
      manner_(std::move(manner)),
      stream_(std::move(stream)),
      opened_(Loop::current().now()) {}

Task<smtp::Reply> Conversation::reply(Milliseconds budget) {
    stream_->set_deadline(budget);
    smtp::ReplyReader reader;
    for (;;) {
        Line line = co_await stream_->read_line(smtp::ReplyReader::kMaxLine);
        if (!settings_.reply_filter().empty() && manner_.lookups)
            line.text = co_await filtered(std::move(line.text));
        Result<bool> complete = reader.add(line.text);
        if (!complete) {
            const char* language = manner_.protocol == Protocol::lmtp ? "LMTP"
                                   : esmtp_                           ? "ESMTP"
                                                                      : "SMTP";
            log_warning(fmt::format("non-{} response from {}: {}", language, target_.name_and_ip(),
                                    printable(line.text, 100)));
            throw Closed("not SMTP");
        }
        if (*complete) break;
    }
    smtp::Reply answer = reader.take();
    // RFC 5321 section 3.8: after a 421 the server hangs up.
    constexpr int kClosing = 421;
    if (answer.code == kClosing) broken_ = true;
    co_return answer;
}

/// smtp_reply_filter.
Task<std::string> Conversation::filtered(std::string line) {
    std::vector<std::string> tables = {settings_.reply_filter()};
    auto found = co_await manner_.lookups->find(std::move(tables), ipc::LookupKey::exact, line);
    if (!found) throw Closed("smtp_reply_filter: " + found.error().text);
    if (!*found) co_return line;
    log_info(fmt::format("{}: replacing server reply \"{}\" with \"{}\"", target_.name_and_ip(),
                         printable(line, 200), printable(**found, 200)));
    co_return std::move(**found);
}

Task<smtp::Reply> Conversation::command(std::string line, Milliseconds budget) {
    stream_->set_deadline(budget);
    stream_->put(line + "\r\n");
    co_await stream_->flush();
    co_return co_await reply(budget);
}

Task<Attempt> Conversation::open(TlsClients& tls, bool plain) {
    Attempt result;
    bool timed_out = false;
    try {
        result = co_await try_open(tls, plain);
        if (!result) broken_ = true;
        co_return result;
    } catch (const Cancelled&) {
        throw;
    } catch (const TimedOut&) {
        timed_out = true;
    } catch (const Disconnect&) {
    }
    broken_ = true;
    Trouble trouble = interrupted(target_, timed_out, doing_);
    // A server that dies of STARTTLS may do without it, where that is allowed.
    if (doing_ == "sending STARTTLS" || doing_ == "performing the TLS handshake") {
        trouble.tls = true;
        trouble.tls_failure = "validation-failure";
    }
    co_return std::unexpected(std::move(trouble));
}

Task<Attempt> Conversation::try_open(TlsClients& tls, bool plain) {
    bool wrapper = tls_settings().wrapper();
    if (wrapper) {
        CO_TRY_VOID(co_await start_wrapped(tls));
    }
    CO_TRY_VOID(co_await greet());
    CO_TRY_VOID(co_await hello());
    if (!wrapper) {
        CO_TRY_VOID(co_await secure(tls, plain));
    }
    if (manner_.login && !offers_.auth.empty()) {
        CO_TRY_VOID(co_await login());
    }
    co_return Attempt();
}

Task<Attempt> Conversation::greet() {
    smtp::Reply greeting = co_await reply(settings_.timeouts.helo());
    if (greeting.is_positive()) {
        esmtp_ = settings_.always_send_ehlo() || greeting.text.find("ESMTP") != std::string::npos;
        // A firewall that hides what the server says, and garbles what it does not know.
        behind_pix_ =
            !greeting.text.empty() && greeting.text.find_first_not_of("20 *") == std::string::npos;
        if (behind_pix_)
            log_info("enabling PIX workarounds: " + join(manner_.pix_workarounds, " ") + " for " +
                     target_.relay());
        if (settings_.never_send_ehlo() || has_workaround("disable_esmtp")) esmtp_ = false;
        co_return Attempt();
    }
    bool permanent = greeting.is_permanent() && !settings_.skip_5xx_greeting();
    co_return std::unexpected(unwelcome(target_, greeting, permanent));
}

Task<Attempt> Conversation::hello() {
    std::string name = settings_.helo_name();
    bool lmtp = manner_.protocol == Protocol::lmtp;
    offers_ = Offers();
    smtp::Reply answer;
    if (lmtp || esmtp_) {
        std::string verb = lmtp ? "LHLO" : "EHLO";
        doing_ = "performing the " + verb + " handshake";
        answer = co_await command(verb + " " + name, settings_.timeouts.helo());
        if (answer.is_positive()) offers_ = Offers::parse(answer.text, manner_.discard_ehlo);
    }
    // RFC 5321 section 3.2: a server that does not know EHLO is asked with HELO.
    bool fall_back = !broken_ && !answer.is_positive() && !stream_->tls();
    if (!lmtp && (!esmtp_ || fall_back)) {
        doing_ = "performing the HELO handshake";
        answer = co_await command("HELO " + name, settings_.timeouts.helo());
    }
    if (answer.is_positive()) co_return Attempt();
    co_return std::unexpected(unwelcome(target_, answer, false));
}

bool Conversation::has_workaround(std::string_view name) const {
    return behind_pix_ && std::ranges::any_of(manner_.pix_workarounds, [&](const auto& word) {
               return iequals(word, name);
           });
}

bool Conversation::quiet() const {
    char byte = 0;
    ssize_t got = ::recv(stream_->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (stream_->buffered() || got == 0) return false;
    // With TLS it may be no more than a session ticket.
    return got < 0 ? errno == EAGAIN : stream_->tls() != nullptr;
}

namespace {

Task<void> say_farewell(std::unique_ptr<Stream> stream, Milliseconds budget) {
    try {
        stream->put("QUIT\r\n");
        stream->set_deadline(budget);
        co_await stream->flush();
        (void)co_await stream->peek();
    } catch (const Disconnect&) {
    }
}

}  // namespace

void Conversation::quit() {
    const Timeouts& timeouts = settings_.timeouts;
    if (!broken_ && !timeouts.skip_quit_response()) {
        Scope& scope = stream_->scope();
        scope.spawn(say_farewell(std::move(stream_), timeouts.quit()));
    } else {
        if (!broken_) stream_->put("QUIT\r\n");
        stream_->close();
    }
    broken_ = true;
}

}  // namespace facteur::smtp_client
