#include "lib/login/visitor.h"

#include <fcntl.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"
#include "lib/ipc/ways/mailbox.h"
#include "lib/login/pump.h"
#include "lib/net/socket.h"

namespace facteur::login {

namespace {

/// RFC 4616 allows 255 octets for each of three names, times four for UTF-8; base64 adds a third.
constexpr std::size_t kMaxResponse = 12288;

Task<void> wait_for(Scope& scope, Milliseconds delay) {
    if (delay.count() > 0) co_await Sleep(scope, delay);
}

Fd duplicate(int fd) {
    return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

ipc::SaslReply failure(ipc::SaslOutcome outcome, std::string reason) {
    ipc::SaslReply reply;
    reply.outcome = outcome;
    reply.reason = std::move(reason);
    return reply;
}

}  // namespace

Visitor::Visitor(Door& door, Scope& parent, Caller caller)
    : door_(door),
      scope_(parent),
      stream_(scope_, std::move(caller.socket)),
      peer_(caller.proxied ? caller.proxied->source : stream_.peer()),
      session_id_(base64_encode(random_bytes(12))),
      remote_(peer_.ip()),
      local_(caller.proxied ? caller.proxied->destination.ip() : stream_.local().ip()),
      since_(Loop::current().now()) {
    stream_.set_deadline(door_.settings.login_timeout());
}

bool Visitor::is_secured() const {
    return has_tls() || peer_.is_loopback() || remote_ == local_;
}

bool Visitor::may_authenticate() const {
    if (has_tls()) return true;
    if (door_.settings.tls_level() == TlsLevel::encrypt) return false;
    return is_secured() || !door_.settings.disable_plaintext_auth();
}

Task<bool> Visitor::offers_tls() {
    if (has_tls() || door_.settings.tls_level() == TlsLevel::none) co_return false;
    auto server = co_await door_.tls.get();
    if (!server) log_warning("no TLS: " + server.error().text);
    bool is_there = server.has_value() && *server != nullptr;
    co_return is_there;
}

Task<bool> Visitor::start_tls() {
    auto server = co_await door_.tls.get();
    if (!server || *server == nullptr) {
        log_error("TLS is not available: " + (server ? "no certificate" : server.error().text));
        co_return false;
    }
    Result<void> started = co_await stream_.start_tls(**server);
    if (!started) tls_failure_ = started.error().text;
    co_return started.has_value();
}

ipc::SaslStart Visitor::new_start(std::string mechanism) const {
    ipc::SaslStart start;
    start.mechanism = std::move(mechanism);
    start.service = door_.protocol;
    start.client_address = remote_;
    start.tls = has_tls();
    return start;
}

Task<ipc::SaslReply> Visitor::ask_start(ipc::SaslStart start) {
    auto answer = co_await door_.authd.call(std::move(start));
    if (answer) co_return std::move(answer->message);
    co_return failure(ipc::SaslOutcome::temporary, answer.error().text);
}

Task<ipc::SaslReply> Visitor::ask_step(std::uint64_t exchange, std::string response, bool abort) {
    ipc::SaslStep step;
    step.exchange = exchange;
    step.response = std::move(response);
    step.abort = abort;
    auto answer = co_await door_.authd.call(std::move(step));
    if (answer) co_return std::move(answer->message);
    co_return failure(ipc::SaslOutcome::temporary, answer.error().text);
}

Task<ipc::SaslReply> Visitor::exchange(ipc::SaslStart start) {
    // A guesser waits before the question, so that many connections do not help.
    if (has_penalty()) {
        co_await wait_for(scope_, door_.penalty.delay(remote_, Loop::current().now()));
    }
    ipc::SaslReply reply = co_await ask_start(std::move(start));
    while (reply.outcome == ipc::SaslOutcome::more) {
        stream_.put("+ " + base64_encode(reply.challenge) + "\r\n");
        co_await stream_.flush();
        stream_.set_deadline(door_.settings.login_timeout());
        Line line = co_await stream_.read_line(kMaxResponse);
        auto response = base64_decode(line.text);
        was_aborted_ = line.text == "*";
        if (line.too_long || was_aborted_ || !response) {
            co_await ask_step(reply.exchange, std::string(), true);
            co_return failure(ipc::SaslOutcome::malformed, "invalid base64 or cancelled");
        }
        reply = co_await ask_step(reply.exchange, *std::move(response), false);
    }
    co_return reply;
}

Task<Visitor::Verdict> Visitor::authenticate(std::string mechanism,
                                             std::optional<std::string> initial) {
    method_ = printable(to_upper(mechanism), 20);
    was_aborted_ = false;
    ipc::SaslStart start = new_start(std::move(mechanism));
    start.has_response = initial.has_value();
    if (initial) start.response = *std::move(initial);
    ipc::SaslReply reply = co_await exchange(std::move(start));
    Verdict verdict = co_await judge(std::move(reply));
    co_return verdict;
}

Task<Visitor::Verdict> Visitor::check(std::string user, std::string password) {
    method_ = "PLAIN";
    was_aborted_ = false;
    user_ = printable(user, 256);
    ipc::SaslStart start = new_start("PLAIN");
    start.has_response = true;
    start.response = std::string(1, '\0') + user + std::string(1, '\0') + password;
    bool has_nul = start.response.find('\0', user.size() + 2) != std::string::npos;
    if (has_nul || user.find('\0') != std::string::npos) co_return Verdict::malformed;
    ipc::SaslReply reply = co_await exchange(std::move(start));
    Verdict verdict = co_await judge(std::move(reply));
    co_return verdict;
}

Task<Visitor::Verdict> Visitor::judge(ipc::SaslReply reply) {
    stream_.set_deadline(door_.settings.login_timeout());
    if (!reply.login.empty()) user_ = printable(reply.login, 256);
    TimePoint now = Loop::current().now();
    switch (reply.outcome) {
        case ipc::SaslOutcome::accepted:
            user_ = reply.user;
            door_.penalty.succeeded(remote_);
            co_return Verdict::accepted;
        case ipc::SaslOutcome::rejected:
            ++failures_;
            if (has_penalty()) door_.penalty.failed(remote_, now);
            if (!reply.reason.empty()) log_info(description() + ": " + reply.reason);
            co_return Verdict::rejected;
        case ipc::SaslOutcome::temporary:
            log_error(door_.protocol + "-login: cannot authenticate: " + reply.reason + ": " +
                      description());
            co_return Verdict::temporary;
        default:
            if (was_aborted_) co_return Verdict::aborted;
            ++failures_;
            co_return Verdict::malformed;
    }
}

bool Visitor::has_failed_enough() const {
    return failures_ >= door_.settings.login_attempts();
}

Task<Visitor::Handed> Visitor::hand_over(std::string tag) {
    Handed handed;
    ipc::OpenSession session;
    session.user = user_;
    session.tag = std::move(tag);
    session.session_id = session_id_;
    session.remote = remote_;
    session.local = local_;
    session.is_secured = is_secured();
    std::vector<Fd> fds;
    Fd inner;
    if (has_tls()) {
        auto pair = socket_pair();
        if (pair) fds.push_back(std::move(pair->second));
        if (pair) inner = std::move(pair->first);
    } else {
        co_await stream_.flush();
        session.input = stream_.take_buffered();
        // Ours stays until the other side has the connection, to say no if it has not.
        fds.push_back(duplicate(stream_.fd()));
    }
    std::string input = session.input;
    auto answer = co_await door_.mailbox.call(std::move(session), std::move(fds));
    if (!answer || !answer->message.accepted) {
        if (!answer) log_error("cannot open the mailbox: " + answer.error().text);
        handed.reason = "Internal error, try again later.";
        if (answer) handed.reason = answer->message.reason;
        handed.is_over_limit = answer && answer->message.is_over_limit;
        stream_.unread(input);
        co_return handed;
    }
    handed.accepted = true;
    log_login(answer->message.pid);
    if (!has_tls()) {
        stream_.release();
        co_return handed;
    }
    Stream mailbox(scope_, std::move(inner));
    co_await pump(scope_, stream_, mailbox);
    co_return handed;
}

}  // namespace facteur::login
