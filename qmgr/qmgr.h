#pragma once

#include "lib/daemon/service.h"
#include "qmgr/pickup.h"
#include "qmgr/resolutions.h"
#include "qmgr/services.h"

namespace facteur::qmgr {

/// The daemon: the queue with its services.
class Qmgr : public daemon::Service {
public:
    Qmgr(daemon::Process& process, const Settings& settings);
    Task<void> start() override;
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    Task<void> drain() override;
    void wakeup() override { pickup_.wake(); }
    std::string status() const override;

private:
    Task<Result<ipc::Resolution>> ask(ipc::Resolve question);

    ipc::Client address_;
    Resolutions resolutions_;
    spool::Files files_;
    Manager manager_;
    QueueService queue_;
    AdminService admin_;
    Pickup pickup_;
};

}  // namespace facteur::qmgr
