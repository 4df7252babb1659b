// Restrictions by the client's TLS certificate, which is known by the digest of all of it or of its
// public key.
#include "lib/base/log.h"
#include "smtpd/gate.h"

namespace facteur::smtpd {

namespace {

Ruling unknown_now(const Error& error, const std::string& about) {
    log_warning("lookup of certificate " + about + " failed: " + error.text);
    return refuse(451, "4.3.0", '<' + about + ">: Temporary lookup failure");
}

}  // namespace

/// permit_tls_clientcerts: relay_clientcerts has it.
Task<Ruling> Gate::certified(const Restriction&, Stage, Facts& facts) {
    const Client::Certificate& certificate = facts.client.certificate;
    for (const std::string* key : {&certificate.fingerprint, &certificate.key_fingerprint}) {
        if (key->empty()) continue;
        ipc::Lookup question;
        question.tables = settings_.tls.relay_ccerts();
        question.key = *key;
        auto found = co_await backend_.lookup(std::move(question));
        if (!found) co_return unknown_now(found.error(), *key);
        if (*found) co_return permit();
    }
    co_return Ruling();
}

/// check_ccert_access: what the table says about it.
Task<Ruling> Gate::certificate(const Restriction& restriction, Stage, Facts& facts) {
    const Client::Certificate& certificate = facts.client.certificate;
    for (const std::string* key : {&certificate.fingerprint, &certificate.key_fingerprint}) {
        if (key->empty()) continue;
        ipc::Access question;
        question.table = restriction.argument;
        question.key = *key;
        auto found = co_await backend_.access(std::move(question));
        if (!found) co_return unknown_now(found.error(), *key);
        if (!*found) continue;
        Ruling ruling = co_await action(**std::move(found), Stage::client, facts);
        co_return ruling;
    }
    co_return Ruling();
}

}  // namespace facteur::smtpd
