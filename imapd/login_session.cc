#include "imapd/login_session.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/imap/arguments.h"

namespace facteur::imapd {

namespace {

/// A stranger's command: a SASL response of the largest size fits (RFC 4616 section 2).
constexpr std::size_t kMaxCommand = 16 * 1024;
constexpr int kBadCommands = 3;

}  // namespace

const LoginSession::Verb LoginSession::kVerbs[] = {
    {"CAPABILITY", &LoginSession::do_capability},
    {"NOOP", &LoginSession::do_noop},
    {"LOGOUT", &LoginSession::do_logout},
    {"ID", &LoginSession::do_id},
    {"STARTTLS", &LoginSession::do_starttls},
    {"LOGIN", &LoginSession::do_login},
    {"AUTHENTICATE", &LoginSession::do_authenticate},
};

LoginSession::LoginSession(login::Door& door, Scope& scope, login::Caller caller)
    : Reception(door, scope, std::move(caller)), reader_(visitor_.stream(), kMaxCommand) {}

std::string LoginSession::farewell(std::string_view text, bool) const {
    return "* BYE " + std::string(text);
}

Task<std::string> LoginSession::greeting() {
    std::string offered = co_await capabilities();
    co_return "* OK [CAPABILITY " + offered + "] " + door_.settings.greeting() + "\r\n";
}

Task<void> LoginSession::next() {
    Incoming incoming = co_await reader_.next();
    co_await handle(std::move(incoming));
}

Task<void> LoginSession::handle(Incoming incoming) {
    Command command{"*", "", imap::Scanner(incoming.text)};
    auto tag = command.arguments.tag();
    Reply reply = bad("Invalid tag.");
    if (tag && command.arguments.sp()) {
        command.tag = *tag;
        reply = co_await dispatch(command, incoming.error);
    }
    if (is_handed_over()) co_return;
    visitor_.stream().put(to_line(command.tag, reply));
    bad_commands_ = reply.kind == Reply::Kind::bad ? bad_commands_ + 1 : 0;
    if (has_ended()) co_return;
    if (incoming.fatal || bad_commands_ >= kBadCommands) {
        send_away("Too many invalid IMAP commands.", "Too many invalid commands");
    }
    if (visitor_.has_failed_enough()) {
        send_away("Too many failed logins.", "Too many failed logins");
    }
}

Task<Reply> LoginSession::dispatch(Command& command, const std::string& error) {
    command.name = command.arguments.keyword();
    if (!error.empty()) co_return bad(error);
    for (const Verb& verb : kVerbs) {
        if (verb.name != command.name) continue;
        Reply reply = co_await (this->*verb.handler)(command);
        co_return reply;
    }
    co_return bad("Unknown command " + printable(command.name, 40) + ", or not logged in.");
}

// RFC 3501 section 6.1.1, and section 6.2.3 for LOGINDISABLED.
Task<std::string> LoginSession::capabilities() {
    std::string offered = "IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID IDLE";
    bool has_starttls = co_await visitor_.offers_tls();
    if (has_starttls) offered += " STARTTLS";
    if (!visitor_.may_authenticate()) co_return offered + " LOGINDISABLED";
    std::vector<std::string> mechanisms = co_await door_.mechanisms();
    for (const std::string& name : mechanisms)
        offered += " AUTH=" + name;
    co_return offered;
}

Task<Reply> LoginSession::do_capability(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    std::string offered = co_await capabilities();
    visitor_.stream().put("* CAPABILITY " + offered + "\r\n");
    co_return ok("Capability completed.");
}

Task<Reply> LoginSession::do_noop(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    co_return ok("NOOP completed.");
}

Task<Reply> LoginSession::do_logout(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    send_away("Logging out", "Aborted login by logging out");
    co_return ok("Logout completed.");
}

// RFC 2971 section 3.1: allowed in any state.
Task<Reply> LoginSession::do_id(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto fields = imap::parse_id(command.arguments);
    if (!fields) co_return bad(fields.error());
    visitor_.stream().put("* ID (\"name\" \"Facteur\")\r\n");
    co_return ok("ID completed.");
}

// RFC 3501 section 6.2.1
Task<Reply> LoginSession::do_starttls(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (visitor_.has_tls()) co_return bad("TLS is already active.");
    bool is_offered = co_await visitor_.offers_tls();
    if (!is_offered) co_return bad("TLS support isn't enabled.");
    want_tls();
    co_return ok("Begin TLS negotiation now.");
}

Task<Reply> LoginSession::admit(login::Visitor::Verdict verdict, const std::string& tag) {
    using Verdict = login::Visitor::Verdict;
    switch (verdict) {
        case Verdict::accepted:
            break;
        case Verdict::rejected:
            co_return no("[AUTHENTICATIONFAILED] Authentication failed.");
        case Verdict::temporary:
            co_return no("[UNAVAILABLE] Temporary authentication failure.");
        case Verdict::malformed:
            co_return bad("Invalid authentication exchange.");
        case Verdict::aborted:
            co_return bad("Authentication aborted by client.");
    }
    auto handed = co_await hand_over(tag);
    if (handed.accepted) co_return Reply();
    co_return no((handed.is_over_limit ? "[LIMIT] " : "[UNAVAILABLE] ") + handed.reason);
}

// RFC 3501 section 6.2.3
Task<Reply> LoginSession::do_login(Command& command) {
    imap::Scanner& arguments = command.arguments;
    if (auto sp = arguments.sp(); !sp) co_return bad(sp.error());
    auto user = arguments.astring();
    if (!user) co_return bad(user.error());
    if (auto sp = arguments.sp(); !sp) co_return bad(sp.error());
    auto password = arguments.astring();
    if (!password) co_return bad(password.error());
    if (auto end = arguments.end(); !end) co_return bad(end.error());
    if (!visitor_.may_authenticate()) {
        visitor_.note_plaintext_attempt();
        co_return no(
            "[PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) "
            "connections.");
    }
    auto verdict = co_await visitor_.check(*std::move(user), *std::move(password));
    Reply reply = co_await admit(verdict, command.tag);
    co_return reply;
}

// RFC 3501 section 6.2.2; RFC 4959 section 3: the initial response, "=" for an empty one.
Task<Reply> LoginSession::do_authenticate(Command& command) {
    imap::Scanner& arguments = command.arguments;
    if (auto sp = arguments.sp(); !sp) co_return bad(sp.error());
    auto mechanism = arguments.atom();
    if (!mechanism) co_return bad(mechanism.error());
    std::optional<std::string> initial;
    if (arguments.take(' ')) {
        initial = base64_decode(arguments.rest());
        if (arguments.rest() == "=") initial.emplace();
        if (!initial) co_return bad("Invalid base64 data.");
    } else if (!arguments.at_end()) {
        co_return bad("Invalid mechanism name.");
    }
    if (!visitor_.may_authenticate()) {
        visitor_.note_plaintext_attempt();
        co_return no(
            "[PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) "
            "connections.");
    }
    bool is_known = co_await knows(*mechanism);
    if (!is_known) co_return no("[CANNOT] Unsupported authentication mechanism.");
    auto verdict = co_await visitor_.authenticate(*std::move(mechanism), std::move(initial));
    Reply reply = co_await admit(verdict, command.tag);
    co_return reply;
}

}  // namespace facteur::imapd
