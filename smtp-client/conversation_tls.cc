// TLS in a conversation: STARTTLS (RFC 3207), what the handshake must prove, and the log of it.
#include <fmt/format.h>
#include <openssl/x509_vfy.h>

#include "lib/base/log.h"
#include "smtp-client/conversation.h"
#include "smtp-client/tls_reporter.h"

namespace facteur::smtp_client {

const TlsSettings& Conversation::tls_settings() const {
    return settings_.tls;
}

Task<Attempt> Conversation::start_wrapped(TlsClients& tls) {
    if (!manner_.tls.demands_tls()) {
        const char* protocol = manner_.protocol == Protocol::lmtp ? "lmtp" : "smtp";
        co_return std::unexpected(
            unfit(target_, false, "4.7.5",
                  fmt::format("{0}_tls_wrappermode requires \"{0}_tls_security_level = "
                              "encrypt\" (or stronger)",
                              protocol)));
    }
    co_return co_await start_tls(tls);
}

/// STARTTLS where it is offered and wanted.
Task<Attempt> Conversation::secure(TlsClients& tls, bool plain) {
    bool wanted = manner_.tls.level != TlsLevel::none && !plain;
    bool required = manner_.tls.demands_tls();
    starttls_seen_ = offers_.starttls;
    if (manner_.tls.level == TlsLevel::none && offers_.starttls && tls_settings().note_offer())
        log_info("Host offered STARTTLS: [" + target_.name + "]");
    if (required && !offers_.starttls) {
        Trouble trouble =
            unfit(target_, false, "4.7.4",
                  "TLS is required, but was not offered by host " + target_.name_and_ip());
        trouble.tls_failure = "starttls-not-supported";
        co_return std::unexpected(std::move(trouble));
    }
    if (!wanted || !offers_.starttls) co_return Attempt();
    doing_ = "sending STARTTLS";
    smtp::Reply answer = co_await command(std::string("STARTTLS"), settings_.timeouts.starttls());
    if (answer.is_positive()) {
        CO_TRY_VOID(co_await start_tls(tls));
        // RFC 3207 section 4.2: what was offered before is forgotten.
        co_return co_await hello();
    }
    if (!required) co_return Attempt();
    Trouble trouble = unfit(target_, false, "4.7.4",
                            fmt::format("TLS is required, but host {} refused to start TLS: {}",
                                        target_.name_and_ip(), smtp::to_line(answer)));
    trouble.tls_failure = "starttls-not-supported";
    co_return std::unexpected(std::move(trouble));
}

namespace {

/// The words of Postfix's tls_log_verify_error().
std::string verification_text(const TlsInfo& info, const std::string& peer) {
    switch (info.why_code) {
        case X509_V_OK:
            return fmt::format("certificate verification failed for {}: {}", peer,
                               info.why.empty() ? "not trusted" : info.why);
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return fmt::format("certificate verification failed for {}: self-signed certificate",
                               peer);
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return fmt::format("certificate verification failed for {}: untrusted issuer {}", peer,
                               info.issuer_name);
        case X509_V_ERR_CERT_NOT_YET_VALID:
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return fmt::format("server certificate verification failed for {}: {}", peer, info.why);
        default:
            return fmt::format("server certificate verification failed for {}: num={}:{}", peer,
                               info.why_code, info.why);
    }
}

}  // namespace

Task<Attempt> Conversation::start_tls(TlsClients& tls) {
    doing_ = "performing the TLS handshake";
    bool web = manner_.tls.mta_sts || manner_.tls.sts_testing;
    auto trust = web ? TlsClients::web : TlsClients::configured;
    auto client = co_await tls.get(trust);
    if (!client) {
        broken_ = true;
        log_warning("TLS: " + client.error().text);
        co_return std::unexpected(
            unfit(target_, false, "4.7.5", "TLS is required, but our TLS engine is unavailable"));
    }
    stream_->set_deadline(settings_.timeouts.starttls());
    TlsClientWish wish = manner_.tls.wish(target_, manner_.nexthop_host);
    bool dane = wish.level == TlsClientWish::Level::dane;
    Result<void> done = co_await stream_->start_tls(**client, std::move(wish));
    if (stream_->tls() && tls_settings().loglevel() > 0) log_tls(done.has_value());
    if (done) co_return Attempt();
    broken_ = true;
    bool shaken = stream_->tls() != nullptr;
    std::string text = shaken ? done.error().text : "Cannot start TLS: handshake failure";
    if (!shaken) {
        log_info(fmt::format("SSL_connect error to {}: {}", target_.relay(), done.error().text));
    }
    Trouble trouble = unfit(target_, false, "4.7.5", std::move(text));
    trouble.tls = !shaken;
    trouble.tls_failure = shaken ? failure_type(*stream_->tls(), dane) : "validation-failure";
    co_return std::unexpected(std::move(trouble));
}

/// The server is known to be the right one, and nobody listens.
bool Conversation::is_proved() const {
    return stream_->tls() && stream_->tls()->trust == TlsInfo::Trust::verified &&
           manner_.tls.authenticates() && !manner_.tls.half_dane;
}

void Conversation::log_tls(bool good) const {
    const TlsInfo& info = *stream_->tls();
    // Without a signed MX record the right server was reached only if nobody changed that record.
    std::string_view trust = info.trust_text();
    if (manner_.tls.half_dane && info.trust == TlsInfo::Trust::verified) trust = "Trusted";
    bool would_fail = manner_.tls.sts_testing && info.trust != TlsInfo::Trust::verified;
    if (!good || would_fail) log_info(verification_text(info, target_.relay()));
    log_info(fmt::format("{} TLS connection {} to {}: {}", trust,
                         info.resumed ? "reused" : "established", target_.relay(), info.text()));
}

}  // namespace facteur::smtp_client
