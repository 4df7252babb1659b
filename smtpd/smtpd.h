#pragma once

#include <memory>

#include "lib/daemon/service.h"
#include "lib/net/dns/resolver.h"
#include "lib/net/proxy_header.h"
#include "smtpd/remote.h"
#include "smtpd/server.h"
#include "smtpd/settings.h"

namespace facteur::smtpd {

/// The services `smtp`, `submission` and `submissions`.
class Smtpd : public daemon::Service {
public:
    /// Reads resolv.conf, which the sandbox hides.
    Smtpd(daemon::Process& process, const Settings& settings);

    Task<void> start() override;
    daemon::Limits limits() const override;
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    Task<void> drain() override;

private:
    Task<bool> read_header(const Fd& socket, Milliseconds patience, ProxyHeader& header);

    const Settings& settings_;
    std::unique_ptr<dns::Resolver> resolver_;
    std::string authorities_;  ///< of client certificates
    std::unique_ptr<Remote> remote_;
    std::unique_ptr<Server> server_;
};

}  // namespace facteur::smtpd
