#include "smtpd/session.h"

#include <sys/socket.h>

#include "lib/base/log.h"
#include "lib/base/log_as.h"
#include "lib/base/text.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"
#include "lib/net/proxy_header.h"
#include "lib/smtp/command.h"
#include "lib/smtp/domain.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace {

/// Answers that wait for the end of a pipelined group: no more than this.
constexpr std::size_t kMostPending = 16384;
/// How long a client that heard our last word has to hang up.
constexpr Milliseconds kParting{2000};

enum : unsigned {
    kJunk = 1,       ///< of no use to mail: counts towards smtpd_junk_command_limit
    kLast = 2,       ///< ends a pipelined group (RFC 2920 section 3.1)
    kBeforeTls = 4,  ///< allowed where TLS is demanded and not there yet
    kAuthLine = 8,   ///< its lines may be long
    kServer = 16,    ///< not for a client that postscreen's tests keep from the server
    kMilters = 32,   ///< milters do not hear of it, but what they said of the session counts
};

bool has_controls(std::string_view line) {
    for (const char c : line) {
        if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7F') return true;
    }
    return false;
}

}  // namespace

const Session::Verb Session::kVerbs[] = {
    {"EHLO", kJunk | kLast | kBeforeTls, &Session::do_ehlo},
    {"HELO", kJunk | kLast | kBeforeTls, &Session::do_helo},
    {"STARTTLS", kBeforeTls | kMilters, &Session::do_starttls},
    {"AUTH", kAuthLine | kServer | kMilters, &Session::do_auth},
    {"MAIL", 0, &Session::do_mail},
    {"RCPT", 0, &Session::do_rcpt},
    {"DATA", kLast, &Session::do_data},
    {"BDAT", 0, &Session::do_bdat},
    {"RSET", kJunk, &Session::do_rset},
    {"NOOP", kJunk | kLast | kBeforeTls, &Session::do_noop},
    {"VRFY", kJunk | kLast | kMilters, &Session::do_vrfy},
    {"EXPN", kJunk | kLast | kMilters, &Session::do_expn},
    {"ETRN", kJunk | kMilters, &Session::do_etrn},
    {"HELP", kJunk | kBeforeTls, &Session::do_help},
    {"QUIT", kBeforeTls, &Session::do_quit},
    {"XCLIENT", kLast | kServer, &Session::do_xclient},
    {"XFORWARD", kServer, &Session::do_xforward},
};

Session::Session(Server& server, Fd socket, const ProxyHeader* proxied)
    : server_(server), settings_(server.settings), stream_(server.scope, std::move(socket)) {
    static_assert(std::size(kVerbs) < kVerbCount);
    client_.address = proxied ? proxied->source : stream_.peer();
    client_.ip = client_.address.ip();
    client_.server = proxied ? proxied->destination : stream_.local();
    client_.with_port = settings_.commands.port_logging();
    client_.key =
        client_key(client_.address, settings_.limits.ipv4_prefix(), settings_.limits.ipv6_prefix());
    server_.sessions.insert(this);
}

Session::~Session() {
    server_.sessions.erase(this);
    end_screening();
    if (connections_ == 0) return;
    const std::uint32_t left = server_.counts.leave(client_.key);
    if (!server_.scope.cancelled()) server_.scope.spawn(server_.tell_sessions(client_.key, left));
}

Task<void> Session::run() {
    std::string farewell;
    bool greeted = false;
    bool lost = false;
    try {
        greeted = co_await greet();
        if (greeted) co_await converse();
    } catch (const TimedOut&) {
        if (is_screened_out()) {
            note_end("COMMAND TIME LIMIT");
        } else {
            log_info("timeout after " + where() + " from " + client_.text());
        }
        farewell = "421 4.4.2 " + settings_.myhostname() + " Error: timeout exceeded\r\n";
    } catch (const Cancelled&) {
        farewell = shutting_down();
    } catch (const Disconnect&) {
        lost = !dismissed_;
        if (!lost) farewell = shutting_down();
        if (lost && is_screened_out()) note_end("HANGUP");
        if (lost && !screen_)
            log_info("lost connection after " + where() + " from " + client_.text());
    }
    if (milters_) milters_->quit();
    if (!is_screened_out() && (greeted || !screen_))
        log_info("disconnect from " + client_.text() + summary());
    if (is_screened_out() && greeted) log_as("postscreen", "DISCONNECT " + screen_->who());
    if (!lost) co_await part(std::move(farewell));
    stream_.close();
}

/// How a session ended that postscreen's tests kept from the server.
void Session::note_end(std::string_view what) const {
    log_as("postscreen", std::string(what) + " from " + screen_->who() + " after " + where());
}

Task<void> Session::part(std::string farewell) {
    if (!farewell.empty()) stream_.put(std::move(farewell));
    if (!stream_.scope().cancelled()) co_await stream_.finish(kParting);
}

std::string Session::shutting_down() const {
    return "421 4.3.2 " + settings_.myhostname() + " Service shutting down\r\n";
}

/// RFC 5321 section 3.8.  The coroutine that reads wakes with the end of its input.
void Session::dismiss(Milliseconds silence) {
    if (!idle_ || stream_.buffered() || Loop::current().now() - idle_since_ < silence) return;
    dismissed_ = true;
    ::shutdown(stream_.fd(), SHUT_RD);
}

Task<void> Session::converse() {
    while (!quit_) {
        // RFC 2920 section 3.2: answers to a group of commands leave together, and before we wait.
        if (!stream_.has_line() || stream_.pending() > kMostPending) co_await stream_.flush();
        idle_ = !transaction_;
        idle_since_ = Loop::current().now();
        stream_.set_deadline(command_patience());
        Line line =
            co_await stream_.read_line(static_cast<std::size_t>(settings_.line_length_limit()));
        idle_ = false;
        Reply reply = co_await command(std::move(line));
        co_await answer(std::move(reply));
    }
    co_await stream_.flush();
}

Task<Reply> Session::command(Line line) {
    if (line.too_long) co_return Reply{500, "5.5.2", "Error: line too long"};
    if (!certificate_fault_.empty())
        co_return break_off(421, "4.7.1", settings_.myhostname() + " Error: " + certificate_fault_);
    if (screen_) {
        std::optional<Reply> last = screen_command(line);
        if (last) co_return break_off(last->code, last->status, last->text);
    }
    if (line.end == Line::End::lf && refuses_strays_ && !is_screened_out()) {
        log_info("bare LF from " + client_.text());
        co_return break_off(settings_.bare_newline_code(), "5.5.2", "Error: bare <LF> received");
    }
    if (has_controls(line.text) || trim(line.text).empty())
        co_return Reply{500, "5.5.2", "Error: bad syntax"};
    if (!smtp::is_utf8(line.text)) co_return Reply{500, "5.5.2", "Error: bad UTF-8 syntax"};
    line.text = co_await filtered(std::move(line.text));
    const smtp::Command words = smtp::split_command(line.text);
    std::size_t which = 0;
    while (which < std::size(kVerbs) && !iequals(words.verb, kVerbs[which].name))
        ++which;
    if (which == std::size(kVerbs)) {
        std::optional<Reply> refusal = co_await milters_on_unknown(line.text);
        Reply reply = unknown_command(words.verb, line.text);
        if (refusal && !quit_) reply = *std::move(refusal);
        co_return reply;
    }
    const Verb& verb = kVerbs[which];
    last_verb_ = verb.name;
    if (denied_ && verb.name != "QUIT") {
        // RFC 5321 section 3.1: a client that is not welcome hears nothing else until it leaves.
        count(which, true);
        co_return Reply{503, "5.7.0", "Error: access denied for " + client_.text()};
    }
    if (is_screened_out() && verb.flags & kServer) {
        count(which, true);
        co_return Reply{502, "5.5.1", "Error: command not implemented"};
    }
    if (settings_.tls.level() == TlsLevel::encrypt && !client_.tls && !(verb.flags & kBeforeTls)) {
        count(which, true);
        co_return Reply{530, "5.7.0", "Must issue a STARTTLS command first"};
    }
    if ((verb.flags & kLast || !client_.esmtp) && verb.name != "QUIT" && stream_.buffered()) {
        premature_ = true;
        log_info("improper command pipelining after " + std::string(verb.name) + " from " +
                 client_.text());
        if (settings_.forbid_pipelining() && !is_screened_out()) {
            count(which, true);
            co_return break_off(554, "5.5.0", "Error: SMTP protocol synchronization");
        }
    }
    if (verb.flags & kMilters) {
        std::optional<Reply> refusal = milters_standing(verb.name);
        if (refusal) {
            count(which, true);
            co_return *std::move(refusal);
        }
    }
    if (verb.flags & kJunk && junk_++ > settings_.limits.junk_commands()) ++errors_;
    Reply reply = co_await (this->*verb.handler)(std::string(words.arguments));
    count(which, reply.code >= 400);
    co_return reply;
}

Reply Session::unknown_command(std::string_view verb, std::string_view line) {
    count(kVerbCount, true);
    last_verb_ = "UNKNOWN";
    for (const std::string& ignored : settings_.commands.noop()) {
        if (iequals(verb, ignored)) return Reply{250, "2.0.0", "Ok"};
    }
    for (const std::string& forbidden : settings_.commands.forbidden()) {
        if (!iequals(verb, forbidden)) continue;
        log_warning("non-SMTP command from " + client_.text() + ": " + printable(line, 100));
        quit_ = true;
        return Reply{221, "2.7.0", "Error: I can break rules, too. Goodbye."};
    }
    // RFC 5321 section 4.2.4 tells commands that it knows from all others.
    for (const std::string_view known : {"TURN", "SEND", "SOML", "SAML"}) {
        if (iequals(verb, known)) return Reply{502, "5.5.1", "Error: command not implemented"};
    }
    return Reply{500, "5.5.2", "Error: command not recognized"};
}

/// The client hears why, and then nothing more.
Reply Session::break_off(int code, std::string status, std::string text) {
    quit_ = true;
    stream_.discard_input();
    return Reply{code, std::move(status), std::move(text)};
}

/// Sends the reply with the next group, counts errors and puts an end to too many of them.
Task<void> Session::answer(Reply reply) {
    if (reply.code == 0) co_return;  // STARTTLS has answered by itself
    if (reply.code >= 400) reply = co_await dressed(std::move(reply));
    if (reply.code >= 400) ++errors_;
    if (reply.code >= 400 && errors_ > settings_.limits.soft_errors()) {
        co_await stream_.flush();
        const Milliseconds pause = settings_.limits.error_sleep();
        co_await Sleep(stream_.scope(), pause);
    }
    stream_.put(smtp::to_wire(reply));
    // RFC 5321 section 3.8, RFC 7504 section 2: the last words of a session.
    if (reply.code == 421 || reply.code == 521) quit_ = true;
    if (errors_ < settings_.limits.hard_errors() || quit_) co_return;
    log_info("too many errors after " + where() + " from " + client_.text());
    stream_.put("421 4.7.0 " + settings_.myhostname() + " Error: too many errors\r\n");
    quit_ = true;
}

Task<Reply> Session::do_help(std::string) {
    std::string verbs = "Commands:";
    for (const Verb& verb : kVerbs) {
        if (verb.name == "EXPN" && settings_.commands.disable_expn()) continue;
        if (!verb.name.starts_with('X')) verbs.append(" ").append(verb.name);
    }
    co_return Reply{214, "2.0.0", std::move(verbs)};
}

/// Before it heard our greeting, a client has nothing to say (RFC 5321 section 3.1).
bool Session::talks_early() {
    char byte = 0;
    return recv(stream_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/// The end of "lost connection after …".
std::string Session::where() const {
    std::string where(last_verb_);
    if (transaction_ && transaction_->content && (where == "DATA" || where == "BDAT")) {
        where += " (" + std::to_string(transaction_->content->received()) + " bytes)";
    }
    return where;
}

void Session::count(std::size_t verb, bool failed) {
    Count& count = counts_[verb];
    if (count.all == UINT16_MAX) return;
    ++count.all;
    if (!failed) ++count.good;
}

/// " ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4", as Postfix sums a session up.
std::string Session::summary() const {
    std::string text;
    std::size_t good = 0;
    std::size_t all = 0;
    const auto show = [&](std::string_view name, std::size_t ok, std::size_t total) {
        text.append(" ").append(name).append("=").append(std::to_string(ok));
        if (ok != total) text.append("/").append(std::to_string(total));
    };
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        const Count& count = counts_[i];
        if (count.all == 0) continue;
        show(i < std::size(kVerbs) ? to_lower(kVerbs[i].name) : "unknown", count.good, count.all);
        good += count.good;
        all += count.all;
    }
    show("commands", good, all);
    return text;
}

}  // namespace facteur::smtpd
