#pragma once

#include <memory>
#include <string>

#include "authd/directory.h"
#include "authd/exchanges.h"
#include "authd/keys.h"
#include "authd/peers.h"
#include "authd/settings.h"
#include "authd/verifier.h"
#include "lib/daemon/service.h"
#include "lib/ipc/server.h"
#include "lib/ipc/ways/auth.h"

namespace facteur::authd {

/// The service `auth`.
class Authd : public daemon::Service {
public:
    /// Reads the private keys and forks the PAM helper, both as root.
    Authd(daemon::Process& process, const Settings& settings);

    Task<void> start() override;
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    std::string status() const override;

private:
    template <class R>
    using Answer = Task<Result<ipc::Packet<typename R::Reply>>>;

    void answer_questions();
    Answer<ipc::SaslMechanisms> mechanisms(ipc::SaslMechanisms request, ipc::Peer peer);
    Answer<ipc::SaslStart> sasl_start(ipc::SaslStart request, ipc::Peer peer);
    Answer<ipc::SaslStep> sasl_step(ipc::SaslStep request, ipc::Peer peer);
    Answer<ipc::RecentLogin> recent_login(ipc::RecentLogin request, ipc::Peer peer);
    Answer<ipc::UserLookup> user(ipc::UserLookup request, ipc::Peer peer);
    Answer<ipc::Certificates> certificates(ipc::Certificates request, ipc::Peer peer);
    Answer<ipc::Signature> sign(ipc::Signature request, ipc::Peer peer);

    const Settings& settings_;
    Keys keys_;
    std::string ticket_keys_;
    Peers front_;    ///< who talks to strangers: they authenticate and do TLS
    Peers readers_;  ///< who may know where a user's mail is
    std::unique_ptr<Verifier> verifier_;
    std::unique_ptr<Directory> directory_;
    std::unique_ptr<Exchanges> exchanges_;
    ipc::Server server_;
};

}  // namespace facteur::authd
