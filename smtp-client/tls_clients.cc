#include "smtp-client/tls_clients.h"

#include "lib/base/log.h"
#include "lib/event/loop.h"
#include "lib/ipc/client.h"
#include "lib/ipc/ways/auth.h"

namespace facteur::smtp_client {
namespace {

constexpr Seconds kAskAgain{60};

Task<Result<std::string>> sign(ipc::Client* authd, SignRequest request) {
    ipc::Signature question;
    question.key = std::move(request.key);
    question.scheme = std::move(request.scheme);
    question.content = std::move(request.content);
    auto answer = co_await authd->call(std::move(question));
    if (!answer) co_return std::unexpected(answer.error());
    co_return std::move(answer->message.signature);
}

}  // namespace

TlsClients::TlsClients(TlsClientOptions options, std::string web_ca_pem, ipc::Client* authd,
                       std::string service)
    : options_(std::move(options)),
      web_ca_pem_(std::move(web_ca_pem)),
      authd_(authd),
      service_(std::move(service)),
      certificates_known_(authd == nullptr) {
    options_.signer = [authd](SignRequest request) { return sign(authd, std::move(request)); };
}

Task<Result<TlsClient*>> TlsClients::get(Trust trust) {
    if (!certificates_known_ && Loop::current().now() >= ask_again_) co_await fetch_certificates();
    if (current_[trust]) co_return current_[trust];
    co_return make(trust);
}

/// Few servers want a certificate: mail goes on without one while authd does not answer.
Task<void> TlsClients::fetch_certificates() {
    ask_again_ = Loop::current().now() + kAskAgain;
    ipc::Certificates question;
    question.service = service_;
    auto answer = co_await authd_->call(std::move(question));
    if (!answer) {
        log_warning("TLS client certificates: " + answer.error().text);
        co_return;
    }
    certificates_known_ = true;
    if (answer->message.chains.empty()) co_return;
    current_ = {};
    for (std::string& chain : answer->message.chains) {
        TlsServerOptions::Certificate certificate;
        certificate.chain_pem = std::move(chain);
        options_.certificates.push_back(std::move(certificate));
    }
}

Result<TlsClient*> TlsClients::make(Trust trust) {
    TlsClientOptions options = options_;
    if (trust == web) {
        options.ca_pem = web_ca_pem_;
        options.ca_path.clear();
    }
    TRY(auto client, TlsClient::create(options));
    current_[trust] = client.get();
    made_.push_back(std::move(client));
    return current_[trust];
}

}  // namespace facteur::smtp_client
