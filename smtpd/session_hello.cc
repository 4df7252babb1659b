// The start of a session, and the commands around the mail.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/smtp/domain.h"
#include "lib/smtp/keywords.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace ehlo = smtp::ehlo;

Task<void> Session::learn_client() {
    if (settings_.peername_lookup() && client_.address.is_ip()) {
        ClientName found = co_await server_.backend.client_name(client_.address);
        client_.name = std::move(found.name);
        client_.reverse_name = std::move(found.reverse);
        client_.name_temporary = found.temporary;
        client_.reverse_temporary = found.reverse_temporary;
    } else if (!client_.address.is_ip()) {
        client_.name = client_.reverse_name = "localhost";
    }
    client_.in_inet_interfaces =
        client_.address.is_loopback() || client_.address.bytes() == client_.server.bytes();
    client_.in_mynetworks = co_await server_.mynetworks.holds(server_.backend, client_);
    if (settings_.bare_newline() == BareNewline::reject) {
        refuses_strays_ = !co_await server_.bare_newline_exclusions.holds(server_.backend, client_);
    } else {
        refuses_strays_ = false;
    }
    const bool normalizes = settings_.bare_newline() == BareNewline::normalize ||
                            settings_.bare_newline() == BareNewline::reject;
    if (normalizes && !refuses_strays_) bare_lf_ = smtp::DotDecoder::BareLf::normalize;
    if (!settings_.xclient_hosts().empty())
        may_xclient_ = co_await server_.xclient_hosts.holds(server_.backend, client_);
    if (!settings_.xforward_hosts().empty())
        may_xforward_ = co_await server_.xforward_hosts.holds(server_.backend, client_);
    if (settings_.sasl.enable()) {
        auth_excepted_ = co_await server_.sasl_exceptions.holds(server_.backend, client_);
    }
}

/// Up to the 220; false: there is nothing to talk about.
Task<bool> Session::greet() {
    stream_.set_deadline(settings_.limits.timeout());
    if (settings_.screen.enable() && !settings_.tls.wrapper()) {
        const bool welcome = co_await screen_client();
        if (!welcome) co_return false;
        if (is_screened_out()) {
            stream_.put("220 " + settings_.banner() + "\r\n");
            co_return true;
        }
    }
    co_await learn_client();
    log_info("connect from " + client_.text());
    if (settings_.tls.wrapper()) {
        const bool secured = co_await start_tls();
        if (!secured) co_return false;
    } else if (talks_early()) {
        premature_ = true;
        log_info("improper command pipelining after CONNECT from " + client_.text());
        if (settings_.forbid_pipelining()) {
            stream_.put("521 5.5.1 Protocol error\r\n");
            co_await stream_.flush();
            co_return false;
        }
    }
    std::optional<Reply> refusal = co_await refuse_client();
    if (refusal) {
        stream_.put(smtp::to_wire(*refusal));
        co_await stream_.flush();
        co_return denied_ && refusal->code != 421 && refusal->code != 521;
    }
    stream_.put("220 " + settings_.banner() + "\r\n");
    co_return true;
}

/// Why this client is not even greeted.
Task<std::optional<Reply>> Session::refuse_client() {
    const LimitSettings& limits = settings_.limits;
    const bool exempt = co_await server_.unlimited.holds(server_.backend, client_);
    client_.limited = !exempt;
    const auto most = static_cast<std::uint32_t>(limits.per_client());
    if (client_.limited && most > 0) connections_ = server_.counts.enter(client_.key);
    if (connections_ > most) {
        // This process alone has too many: nobody needs to be asked.
        log_warning("Connection concurrency limit exceeded: " + std::to_string(connections_) +
                    " from " + client_.text() + " for service " + server_.service);
        Reply reply{421, "4.7.0",
                    settings_.myhostname() + " Error: too many connections from " + client_.ip};
        co_return reply;
    }
    const std::string nobody;
    std::optional<Reply> refusal = co_await ask_policy(ipc::PolicyMoment::connect, nobody, nobody);
    if (refusal) co_return refusal;
    Facts facts(client_, "CONNECT");
    facts.premature = premature_;
    refusal = co_await server_.gate.connect(facts);
    denied_ = refusal.has_value();
    if (refusal) co_return refused(facts, *std::move(refusal));
    co_return co_await greet_milters();
}

bool Session::auth_offered() const {
    return settings_.sasl.enable() && !auth_excepted_ && !is_screened_out() &&
           (client_.tls || !settings_.tls.auth_only());
}

Task<Reply> Session::do_ehlo(std::string arguments) {
    Reply reply = co_await hello(std::move(arguments), true);
    if (reply.code != 250) co_return reply;
    std::string& text = reply.text;
    const bool tests_pipelining = screen_ && screen_->to_do(ScreenTest::pipelining);
    const auto offer = [&](std::string_view keyword, std::string_view parameter = {}) {
        if (!offers(keyword) || (screen_ && !server_.offers_tested(keyword))) return;
        text.append("\n").append(keyword);
        if (!parameter.empty()) text.append(" ").append(parameter);
    };
    if (!tests_pipelining) offer(ehlo::kPipelining);
    offer(ehlo::kSize, std::to_string(settings_.message_size_limit()));
    if (!settings_.disable_vrfy()) offer(ehlo::kVrfy);
    if (!settings_.commands.disable_expn()) offer(ehlo::kExpn);
    offer(ehlo::kEtrn);
    if (settings_.tls.level() != TlsLevel::none && !client_.tls) offer(ehlo::kStartTls);
    if (auth_offered()) {
        const std::string names = join(co_await mechanisms(), " ");
        if (!names.empty()) offer(ehlo::kAuth, names);
        if (!names.empty() && settings_.sasl.broken_clients() && offers(ehlo::kAuth))
            text.append("\n").append(ehlo::kAuth).append("=").append(names);
    }
    offer(ehlo::kEnhancedStatus);
    offer(ehlo::kEightBitMime);
    offer(ehlo::kDsn);
    if (settings_.smtputf8_enable()) offer(ehlo::kSmtpUtf8);
    offer(ehlo::kChunking);
    // RFC 9422 section 3
    offer(ehlo::kLimits, "RCPTMAX=" + std::to_string(settings_.limits.recipients()));
    text += offered_wishes();
    if (client_.tls) offer(ehlo::kRequireTls);
    if (may_xclient_)
        offer("XCLIENT", "NAME ADDR PORT PROTO HELO LOGIN REVERSE_NAME DESTADDR DESTPORT");
    if (may_xforward_) offer("XFORWARD", "NAME ADDR PORT PROTO HELO IDENT SOURCE");
    co_return reply;
}

Task<Reply> Session::do_helo(std::string arguments) {
    co_return co_await hello(std::move(arguments), false);
}

/// RFC 5321 section 4.1.1.1; it also ends a transaction (section 4.1.4).
Task<Reply> Session::hello(std::string name, bool esmtp) {
    if (name.empty())
        co_return Reply{501, "", esmtp ? "Syntax: EHLO hostname" : "Syntax: HELO hostname"};
    end_transaction();
    co_await learn_discarded();
    client_.helo = printable(name, 255);
    client_.esmtp = esmtp;
    Facts facts(client_, esmtp ? "EHLO" : "HELO");
    facts.premature = premature_;
    std::optional<Reply> refusal;
    if (!is_screened_out()) refusal = co_await server_.gate.helo(facts);
    if (refusal) {
        client_.helo.clear();
        co_return refused(facts, *std::move(refusal));
    }
    refusal = co_await milters_on_helo(facts);
    if (refusal) {
        client_.helo.clear();
        co_return *std::move(refusal);
    }
    co_return Reply{250, "", settings_.myhostname()};
}

// RFC 3207
Task<Reply> Session::do_starttls(std::string arguments) {
    if (!arguments.empty()) co_return Reply{501, "5.5.4", "Syntax: STARTTLS"};
    if (client_.tls) co_return Reply{554, "5.5.1", "Error: TLS already active"};
    if (settings_.tls.level() == TlsLevel::none)
        co_return Reply{502, "5.5.1", "Error: command not implemented"};
    if (transaction_) co_return Reply{503, "5.5.1", "Error: MAIL transaction in progress"};
    TlsServer* tls = co_await server_.backend.tls();
    if (!tls) co_return Reply{454, "4.7.0", "TLS not available due to local problem"};
    const std::string nobody;
    std::optional<Reply> refusal = co_await ask_policy(ipc::PolicyMoment::starttls, nobody, nobody);
    if (refusal) co_return *std::move(refusal);
    stream_.put("220 2.0.0 Ready to start TLS\r\n");
    co_await stream_.flush();
    const bool secured = co_await start_tls();
    if (!secured) {
        quit_ = true;
        throw Closed("no TLS session");
    }
    co_return Reply{0, {}, {}};
}

/// The handshake.  What the client said before is forgotten with it (RFC 3207 section 4.2): a
/// command that was sent in the clear must not count inside TLS.
Task<bool> Session::start_tls() {
    TlsServer* tls = co_await server_.backend.tls();
    if (!tls) {
        log_warning("no TLS for " + client_.text() + ": no certificate");
        co_return false;
    }
    stream_.set_deadline(settings_.commands.starttls_timeout());
    Result<void> done = co_await stream_.start_tls(*tls);
    if (!done) {
        log_info("SSL_accept error from " + client_.text() + ": " + done.error().text);
        co_return false;
    }
    client_.tls = true;
    client_.tls_protocol = stream_.tls()->protocol;
    client_.tls_cipher = stream_.tls()->cipher;
    client_.tls_bits = stream_.tls()->bits;
    learn_certificate(*stream_.tls());
    client_.helo.clear();
    client_.esmtp = false;
    client_.login.clear();
    transaction_.reset();
    if (settings_.tls.loglevel() > 0) {
        const TlsInfo& info = *stream_.tls();
        log_info(std::string(info.trust_text()) + " TLS connection established from " +
                 client_.text() + ": " + info.text());
    }
    co_return true;
}

/// What restrictions and policy servers may want to know of it.
void Session::learn_certificate(const TlsInfo& info) {
    client_.certificate = Client::Certificate();
    const bool present = info.trust != TlsInfo::Trust::anonymous;
    if (present) {
        client_.certificate.subject = printable(info.peer_name, 255);
        client_.certificate.issuer = printable(info.issuer_name, 255);
        client_.certificate.fingerprint = info.fingerprint;
        client_.certificate.key_fingerprint = info.key_fingerprint;
        client_.certificate.trusted = info.trust == TlsInfo::Trust::trusted;
    }
    const bool demanded = settings_.tls.req_ccert() && settings_.tls.level() == TlsLevel::encrypt;
    if (!demanded || client_.certificate.trusted) return;
    certificate_fault_ =
        present ? "Client certificate not trusted" : "No client certificate presented";
    log_info("NOQUEUE: abort: TLS from " + client_.text() + ": " + certificate_fault_);
}

Task<Reply> Session::do_rset(std::string arguments) {
    if (!arguments.empty()) co_return Reply{501, "5.5.4", "Syntax: RSET"};
    end_transaction();
    co_return Reply{250, "2.0.0", "Ok"};
}

Task<Reply> Session::do_noop(std::string) {
    co_return Reply{250, "2.0.0", "Ok"};
}

Task<Reply> Session::do_quit(std::string) {
    quit_ = true;
    co_return Reply{221, "2.0.0", "Bye"};
}

}  // namespace facteur::smtpd
