#pragma once

#include "lib/config/load.h"
#include "lib/daemon/service.h"
#include "lmtp-local/hands.h"
#include "lmtp-local/pipe_agent.h"
#include "lmtp-local/pipe_options.h"
#include "lmtp-local/settings.h"

namespace facteur::lmtp_local {

/// A service that master.cf defines as pipe(8) of Postfix: one transport, one command.
class PipeService : public daemon::Service {
public:
    /// is_privileged: master.cf grants the right to become others (unpriv n).
    PipeService(daemon::Process& process, const Settings& settings, PipeOptions options,
                bool is_privileged);

    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    Task<void> drain() override;
    std::string status() const override;

private:
    const PipeOptions options_;
    Hands hands_;
    PipeAgent agent_;
};

/// Whom a command may run as: never root, and none of the accounts of the daemons, who could read
/// what they hold.  A user who does not exist is a temporary Error.
Result<Identity> pipe_identity(const PipeOptions& options, const daemon::Settings& settings);

/// What is wrong with the attributes, for `facteur check` and the start.
std::vector<conf::Problem> review_pipe(const Result<PipeOptions>& options,
                                       const conf::MainCf& main_cf);

}  // namespace facteur::lmtp_local
