#pragma once

#include <memory>

#include "lib/daemon/service.h"
#include "lib/ipc/client.h"
#include "lib/net/dns/filtered_resolver.h"
#include "smtp-client/agent.h"
#include "smtp-client/settings.h"
#include "smtp-client/sts_services.h"
#include "smtp-client/tls_reporter.h"

namespace facteur::smtp_client {

/// The services smtp, relay and lmtp.
class SmtpClient : public daemon::Service {
public:
    /// Reads what the sandbox will hide: /etc/resolv.conf, the network interfaces, certificates.
    SmtpClient(daemon::Process& process, const Settings& settings, Protocol protocol);
    ~SmtpClient() override;

    Task<void> start() override;
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    Task<void> drain() override;
    std::string status() const override;

private:
    std::unique_ptr<StsPolicies> sts_for(daemon::Process& process, const Settings& settings,
                                         Protocol protocol);
    std::unique_ptr<TlsReporter> reporter_for(daemon::Process& process, const Settings& settings,
                                              Protocol protocol);

    std::unique_ptr<dns::Resolver> resolver_;
    Reachability reachability_;
    ipc::Client address_;
    AddressdLookups lookups_;
    dns::FilteredResolver filtered_;
    Routing routing_;
    ipc::Client authd_;
    ipc::Client policyd_;
    TlsGround ground_;
    std::string web_ca_pem_;
    TlsClients tls_;
    PolicydMemory memory_;
    std::unique_ptr<StsPolicies> sts_;  ///< where MTA-STS is wanted
    Security security_;
    Logins logins_;
    Outgoing outgoing_;
    std::unique_ptr<TlsReporter> reporter_;  ///< where TLS reports are wanted
    ConnectionCache cache_;
    std::unique_ptr<Surroundings> around_;
    std::unique_ptr<Agent> agent_;
};

}  // namespace facteur::smtp_client
