#include "pop3d/login_session.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"

namespace facteur::pop3d {

namespace {

/// RFC 5034 section 4: an AUTH line with an initial response may be longer than 255 octets.
constexpr std::size_t kLoginLine = 12288;
constexpr int kBadCommands = 5;

constexpr const char* kPlaintext =
    "-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.";

}  // namespace

const LoginSession::Verb LoginSession::kVerbs[] = {
    {"USER", &LoginSession::do_user}, {"PASS", &LoginSession::do_pass},
    {"AUTH", &LoginSession::do_auth}, {"STLS", &LoginSession::do_stls},
    {"CAPA", &LoginSession::do_capa}, {"NOOP", &LoginSession::do_noop},
    {"QUIT", &LoginSession::do_quit},
};

std::string LoginSession::farewell(std::string_view text, bool is_temporary) const {
    return (is_temporary ? "-ERR [SYS/TEMP] " : "-ERR ") + std::string(text);
}

Task<std::string> LoginSession::greeting() {
    co_return "+OK " + door_.settings.greeting() + "\r\n";
}

Task<void> LoginSession::next() {
    Line line = co_await visitor_.stream().read_line(kLoginLine);
    if (line.too_long) line.text = std::string();
    co_await handle(line.text);
}

Task<void> LoginSession::handle(const std::string& line) {
    std::string_view arguments = line;
    std::string name = to_upper(take_word(arguments));
    std::string reply;
    for (const Verb& verb : kVerbs) {
        if (verb.name == name) reply = co_await (this->*verb.handler)(arguments);
    }
    if (is_handed_over()) co_return;
    bad_commands_ = reply.empty() ? bad_commands_ + 1 : 0;
    if (reply.empty()) reply = "-ERR Unknown command.";
    visitor_.stream().put(reply + "\r\n");
    if (has_ended()) co_return;
    if (bad_commands_ >= kBadCommands) {
        send_away("Too many bad commands.", "Too many bad commands");
    }
    if (visitor_.has_failed_enough()) {
        send_away("Too many failed logins.", "Too many failed logins");
    }
}

/// RFC 2449 section 8 and RFC 3206 section 4: response codes for what failed.
Task<std::string> LoginSession::admit(login::Visitor::Verdict verdict) {
    using Verdict = login::Visitor::Verdict;
    switch (verdict) {
        case Verdict::accepted:
            break;
        case Verdict::rejected:
            co_return "-ERR [AUTH] Authentication failed.";
        case Verdict::temporary:
            co_return "-ERR [SYS/TEMP] Temporary authentication failure.";
        case Verdict::malformed:
            co_return "-ERR [AUTH] Invalid authentication exchange.";
        case Verdict::aborted:
            co_return "-ERR Authentication aborted by client.";
    }
    auto handed = co_await hand_over(std::string());
    if (handed.accepted) co_return std::string();
    co_return (handed.is_over_limit ? "-ERR [IN-USE] " : "-ERR [SYS/TEMP] ") + handed.reason;
}

Task<std::string> LoginSession::do_user(std::string_view arguments) {
    if (!visitor_.may_authenticate()) {
        visitor_.note_plaintext_attempt();
        co_return kPlaintext;
    }
    user_ = trim(arguments);
    co_return user_.empty() ? "-ERR No username given." : "+OK";
}

// RFC 1939 section 7: PASS takes the rest of the line, spaces too.
Task<std::string> LoginSession::do_pass(std::string_view arguments) {
    if (user_.empty()) co_return "-ERR No username given.";
    std::string user = std::exchange(user_, std::string());
    auto verdict = co_await visitor_.check(std::move(user), std::string(arguments));
    std::string reply = co_await admit(verdict);
    co_return reply;
}

// RFC 5034 section 4
Task<std::string> LoginSession::do_auth(std::string_view arguments) {
    std::string_view mechanism = take_word(arguments);
    if (mechanism.empty()) {  // some clients ask for the list like this
        std::vector<std::string> known = co_await door_.mechanisms();
        std::string list = "+OK\r\n";
        for (const std::string& name : known)
            list += name + "\r\n";
        co_return list + ".";
    }
    if (!visitor_.may_authenticate()) {
        visitor_.note_plaintext_attempt();
        co_return kPlaintext;
    }
    bool is_known = co_await knows(std::string(mechanism));
    if (!is_known) co_return "-ERR Unsupported authentication mechanism.";
    std::optional<std::string> initial;
    if (!arguments.empty()) {
        initial = base64_decode(arguments);
        if (arguments == "=") initial.emplace();
        if (!initial) co_return "-ERR Invalid base64 data.";
    }
    auto verdict = co_await visitor_.authenticate(std::string(mechanism), std::move(initial));
    std::string reply = co_await admit(verdict);
    co_return reply;
}

// RFC 2595 section 4
Task<std::string> LoginSession::do_stls(std::string_view) {
    if (visitor_.has_tls()) co_return "-ERR TLS is already active.";
    bool is_offered = co_await visitor_.offers_tls();
    if (!is_offered) co_return "-ERR TLS support isn't enabled.";
    want_tls();
    co_return "+OK Begin TLS negotiation now.";
}

// RFC 2449 section 5
Task<std::string> LoginSession::do_capa(std::string_view) {
    std::string reply =
        "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\n"
        "EXPIRE NEVER\r\n";
    bool is_offered = co_await visitor_.offers_tls();
    if (is_offered) reply += "STLS\r\n";
    if (visitor_.may_authenticate()) {
        reply += "USER\r\nSASL";
        std::vector<std::string> known = co_await door_.mechanisms();
        for (const std::string& name : known)
            reply += " " + name;
        reply += "\r\n";
    }
    co_return reply + "IMPLEMENTATION Facteur\r\n.";
}

Task<std::string> LoginSession::do_noop(std::string_view) {
    co_return "+OK";
}

Task<std::string> LoginSession::do_quit(std::string_view) {
    finish("Aborted login by logging out");
    co_return "+OK Logging out";
}

}  // namespace facteur::pop3d
