#include "lib/login/authd_tls.h"

#include "lib/ipc/client.h"
#include "lib/ipc/ways/auth.h"

namespace facteur::login {

namespace {

Task<Result<std::string>> sign(ipc::Client& authd, SignRequest request) {
    ipc::Signature question;
    question.key = std::move(request.key);
    question.scheme = std::move(request.scheme);
    question.content = std::move(request.content);
    auto answer = co_await authd.call(std::move(question));
    if (!answer) co_return std::unexpected(answer.error());
    co_return std::move(answer->message.signature);
}

}  // namespace

AuthdTls::AuthdTls(ipc::Client& authd, std::string service, TlsServerOptions options)
    : authd_(authd), service_(std::move(service)), options_(std::move(options)) {
    options_.signer = [&client = authd_](SignRequest request) {
        return sign(client, std::move(request));
    };
}

Task<Result<TlsServer*>> AuthdTls::get() {
    if (is_known_) co_return server_.get();
    ipc::Certificates question;
    question.service = service_;
    auto answer = co_await authd_.call(std::move(question));
    if (!answer) co_return std::unexpected(answer.error());
    if (is_known_) co_return server_.get();  // another session was faster
    options_.certificates.clear();
    for (std::string& chain : answer->message.chains) {
        TlsServerOptions::Certificate certificate;
        certificate.chain_pem = std::move(chain);
        options_.certificates.push_back(std::move(certificate));
    }
    options_.ticket_keys = std::move(answer->message.ticket_keys);
    if (!options_.certificates.empty()) {
        auto created = TlsServer::create(options_);
        if (!created) co_return std::unexpected(created.error());
        server_ = *std::move(created);
    }
    is_known_ = true;
    co_return server_.get();
}

}  // namespace facteur::login
