#pragma once

#include <string>

#include "lib/daemon/service.h"
#include "lmtp-local/agent.h"
#include "lmtp-local/deliverer.h"
#include "lmtp-local/flusher.h"
#include "lmtp-local/settings.h"

namespace facteur::lmtp_local {

/// The services virtual, local and lmtp in one process.
class LmtpLocal : public daemon::Service {
public:
    /// is_privileged: master.cf grants the right to become others (unpriv n).
    LmtpLocal(daemon::Process& process, const Settings& settings, bool is_privileged);

    Task<void> start() override;
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    Task<void> drain() override;
    std::string status() const override;

private:
    const Settings& settings_;
    Flusher flusher_;
    Hands hands_;
    Deliverer deliverer_;
    Agent virtual_;
    Agent local_;
};

}  // namespace facteur::lmtp_local
