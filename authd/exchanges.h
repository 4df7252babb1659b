#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "authd/recent_logins.h"
#include "authd/settings.h"
#include "authd/verifier.h"
#include "lib/ipc/ways/auth.h"
#include "lib/sasl/mechanism.h"

namespace facteur::authd {

/// The SASL exchanges under way: from a client's first word to the verdict.
class Exchanges {
public:
    Exchanges(const Settings& settings, Verifier& verifier);

    std::vector<std::string> mechanisms() const;
    Task<ipc::SaslReply> start(Scope& scope, ipc::SaslStart request);
    Task<ipc::SaslReply> step(Scope& scope, ipc::SaslStep request);
    /// Who read his mail over IMAP or POP.
    const RecentLogins& logins() const { return logins_; }
    /// Those that ask or are checked now.
    std::size_t active() const { return waiting_.size() + checking_; }

private:
    struct Exchange {
        std::unique_ptr<sasl::ServerMechanism> mechanism;
        std::string service;
        std::string client_address;
        TimePoint until;
    };
    Task<ipc::SaslReply> go_on(Scope& scope, Exchange exchange, sasl::ServerStep step);
    Task<ipc::SaslReply> check(Scope& scope, Exchange exchange, sasl::CheckPassword wanted);
    ipc::SaslReply ask(Exchange exchange, std::string challenge);
    void forget_expired();

    const Settings& settings_;
    RecentLogins logins_;
    Verifier& verifier_;
    std::unordered_map<std::uint64_t, Exchange> waiting_;  ///< by an id that nobody can guess
    std::size_t checking_ = 0;
    TimePoint next_sweep_;
};

}  // namespace facteur::authd
