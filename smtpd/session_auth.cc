// RFC 4954: authentication; authd decides, and takes its time over a failure.
#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/command.h"
#include "smtpd/mechanisms.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;
using Outcome = ipc::SaslOutcome;

namespace {

/// RFC 4954 section 4: "=" is an initial response of no bytes.
std::optional<std::string> initial_response(std::string_view text) {
    if (text == "=") return std::string();
    return base64_decode(text);
}

}  // namespace

/// What authd has, without what the settings exclude.
Task<std::vector<std::string>> Session::mechanisms() {
    std::vector<std::string> offered;
    auto known = co_await server_.backend.sasl_mechanisms();
    if (!known) co_return offered;
    const auto& options =
        client_.tls ? settings_.sasl.tls_security_options() : settings_.sasl.security_options();
    for (std::string& mechanism : *known) {
        if (!is_secure_enough(mechanism, options)) continue;
        const bool passes =
            co_await passes_filter(server_.backend, settings_.sasl.mechanism_filter(), mechanism);
        if (passes) offered.push_back(std::move(mechanism));
    }
    co_return offered;
}

/// A mechanism that nobody knows is refused by authd, which counts it.
Task<bool> Session::offers_mechanism(std::string mechanism) {
    const auto& options =
        client_.tls ? settings_.sasl.tls_security_options() : settings_.sasl.security_options();
    if (!is_secure_enough(mechanism, options)) co_return false;
    co_return co_await passes_filter(server_.backend, settings_.sasl.mechanism_filter(),
                                     std::move(mechanism));
}

Task<Reply> Session::do_auth(std::string arguments) {
    if (!settings_.sasl.enable() || auth_excepted_)
        co_return Reply{503, "5.5.1", "Error: authentication not enabled"};
    if (!auth_offered())
        co_return Reply{538, "5.7.11",
                        "Encryption required for requested authentication mechanism"};
    if (!client_.esmtp) co_return Reply{503, "5.5.1", "Error: send EHLO first"};
    if (transaction_) co_return Reply{503, "5.5.1", "Error: MAIL transaction in progress"};
    if (!client_.login.empty()) co_return Reply{503, "5.5.1", "Error: already authenticated"};
    std::string_view rest = arguments;
    std::string mechanism = to_upper(take_word(rest));
    if (mechanism.empty() || rest.find(' ') != std::string_view::npos)
        co_return Reply{501, "5.5.4", "Syntax: AUTH mechanism"};
    ipc::SaslStart start;
    start.mechanism = mechanism;
    start.service = settings_.sasl.service();
    start.client_address = client_.ip;
    start.tls = client_.tls;
    start.has_response = !rest.empty();
    if (start.has_response) {
        auto response = initial_response(rest);
        if (!response) co_return Reply{501, "5.5.2", "Cannot decode response"};
        start.response = *std::move(response);
    }
    const bool offered = co_await offers_mechanism(mechanism);
    if (!offered) {
        ipc::SaslReply unknown;
        unknown.outcome = Outcome::unknown_mechanism;
        unknown.reason = "mechanism not offered";
        co_return refuse_auth(mechanism, unknown);
    }
    const std::string nobody;
    std::optional<Reply> refusal = co_await ask_policy(ipc::PolicyMoment::auth, nobody, nobody);
    if (refusal) co_return *std::move(refusal);
    Result<ipc::SaslReply> answer = co_await server_.backend.sasl(std::move(start));
    if (!answer) {
        log_warning("SASL: " + answer.error().text);
        co_return Reply{454, "4.7.0", "Temporary authentication failure"};
    }
    co_return co_await authenticate(std::move(mechanism), *std::move(answer));
}

/// Challenges and responses, each a line of base64, until authd has decided.
Task<Reply> Session::authenticate(std::string mechanism, ipc::SaslReply answer) {
    while (answer.outcome == Outcome::more) {
        stream_.put("334 " + base64_encode(answer.challenge) + "\r\n");
        co_await stream_.flush();
        stream_.set_deadline(settings_.limits.timeout());
        const auto limit = static_cast<std::size_t>(settings_.sasl.response_limit());
        const Line line = co_await stream_.read_line(limit);
        if (line.too_long) {
            // RFC 4954 section 4
            server_.backend.sasl_abort(answer.exchange);
            co_return Reply{500, "5.5.6", "SASL response is too long"};
        }
        // RFC 4954 section 4: "*" cancels.
        auto response = base64_decode(line.text);
        if (line.text == "*" || !response) {
            server_.backend.sasl_abort(answer.exchange);
            if (line.text == "*") co_return Reply{501, "5.7.0", "Authentication aborted"};
            co_return Reply{501, "5.5.2", "Cannot decode response"};
        }
        ipc::SaslStep step;
        step.exchange = answer.exchange;
        step.response = *std::move(response);
        Result<ipc::SaslReply> next = co_await server_.backend.sasl(std::move(step));
        if (!next) {
            log_warning("SASL: " + next.error().text);
            co_return Reply{454, "4.7.0", "Temporary authentication failure"};
        }
        answer = *std::move(next);
    }
    if (answer.outcome == Outcome::accepted) co_return authenticated(mechanism, answer);
    co_return refuse_auth(mechanism, answer);
}

Reply Session::authenticated(const std::string& mechanism, const ipc::SaslReply& answer) {
    client_.login = answer.user;
    client_.mechanism = mechanism;
    return Reply{235, "2.7.0", "Authentication successful"};
}

/// RFC 4954 section 6; the client learns nothing about why, the log everything.
Reply Session::refuse_auth(const std::string& mechanism, const ipc::SaslReply& answer) {
    std::string line = client_.text() + ": SASL " + printable(mechanism, 32) +
                       " authentication failed: " + printable(answer.reason, 200);
    if (!answer.login.empty()) line += ", sasl_username=" + printable(answer.login, 200);
    log_warning(line);
    switch (answer.outcome) {
        case Outcome::temporary:
            return Reply{454, "4.7.0", "Temporary authentication failure"};
        case Outcome::malformed:
            return Reply{535, "5.7.8", "Error: authentication failed: Invalid response"};
        case Outcome::unknown_mechanism:
            // RFC 4954 section 4 asks for this code; Postfix says 535.
            return Reply{504, "5.5.4", "Error: unrecognized authentication mechanism"};
        default:
            return Reply{535, "5.7.8", "Error: authentication failed: authentication failure"};
    }
}

}  // namespace facteur::smtpd
