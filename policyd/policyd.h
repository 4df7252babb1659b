#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lib/daemon/service.h"
#include "lib/ipc/client.h"
#include "lib/ipc/server.h"
#include "policyd/check.h"
#include "policyd/delegation.h"
#include "policyd/rates.h"

namespace facteur::policyd {

/// The service: asks its checks, in order.
class Policyd : public daemon::Service {
public:
    Policyd(daemon::Process& process, const Settings& settings);
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    std::string status() const override;

private:
    using Reply = Task<Result<ipc::Packet<ipc::PolicyReply>>>;
    Task<Result<ipc::Packet<ipc::PolicyInterestsReply>>> interests();
    Reply ask(ipc::Ask question);
    Reply judge(ipc::Packet<ipc::Judge> question);
    Task<Result<ipc::Packet<ipc::DelegateReply>>> delegate(ipc::Delegate question);
    Task<Result<bool>> is_exempt(std::string name, std::string ip);

    const Settings& settings_;
    ipc::Client addressd_;
    std::unique_ptr<dns::Resolver> resolver_;
    Delegation delegation_;
    std::vector<std::unique_ptr<Check>> checks_;
    ipc::Server server_;
    std::uint64_t asked_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace facteur::policyd
