#include "lib/login/door.h"

#include "lib/ipc/ways/auth.h"

namespace facteur::login {

namespace {

TlsServerOptions tls_options(const Settings& settings) {
    TlsServerOptions options;
    options.min_protocol = settings.tls_min_protocol();
    options.cipher_list = settings.tls_ciphers();
    return options;
}

}  // namespace

Door::Door(Scope& scope, const Settings& door_settings, std::string door_protocol)
    : settings(door_settings),
      protocol(std::move(door_protocol)),
      authd(scope, "private/auth"),
      mailbox(scope, "private/" + protocol + "-mailbox"),
      tls(authd, protocol, tls_options(door_settings)) {}

Task<std::vector<std::string>> Door::mechanisms() {
    if (!mechanisms_.empty()) co_return mechanisms_;
    ipc::SaslMechanisms question;
    question.service = protocol;
    auto answer = co_await authd.call(std::move(question));
    if (answer) mechanisms_ = answer->message.names;
    co_return mechanisms_;
}

}  // namespace facteur::login
