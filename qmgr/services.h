#pragma once

#include <set>
#include <string>

#include "lib/ipc/server.h"
#include "lib/ipc/ways/flush.h"
#include "lib/ipc/ways/queue.h"
#include "lib/ipc/ways/queue_admin.h"
#include "qmgr/manager.h"

namespace facteur::qmgr {

/// Service `queue`: other daemons bring messages.
class QueueService {
public:
    QueueService(Manager& manager, Scope& scope);
    Task<void> serve(Scope& scope, Fd connection);

private:
    Task<Result<ipc::Packet<ipc::Nothing>>> submit(ipc::Packet<ipc::Submit> request);
    Task<Result<ipc::Packet<ipc::ReserveReply>>> reserve(ipc::Packet<ipc::Reserve> request);
    Task<Result<ipc::Packet<ipc::ProbeReply>>> probe(ipc::Packet<ipc::Probe> request);
    Task<Result<ipc::Packet<ipc::Nothing>>> flush(ipc::Packet<ipc::FlushDestination> request);
    Task<void> flush_destination(ipc::FlushDestination order);
    Task<Result<ipc::Packet<ipc::RoomReply>>> room();
    Task<Result<ipc::Packet<ipc::Nothing>>> abandon(ipc::Packet<ipc::Abandon> request);

    Manager& manager_;
    Scope& scope_;
    std::set<std::string> flushing_;  ///< domains that ETRN searches for now
    ipc::Server server_;
};

/// Service `queue-admin`: the command-line tools.
class AdminService {
public:
    explicit AdminService(Manager& manager);
    Task<void> serve(Scope& scope, Fd connection) {
        return server_.serve(scope, std::move(connection));
    }

private:
    Task<Result<ipc::Packet<ipc::QueueIdsReply>>> ids();
    Task<Result<ipc::Packet<ipc::QueueEntriesReply>>> entries(
        ipc::Packet<ipc::QueueEntries> request);
    Task<Result<ipc::Packet<ipc::QueueShowReply>>> show(ipc::Packet<ipc::QueueShow> request,
                                                        ipc::Peer peer);
    Task<Result<ipc::Packet<ipc::QueueActReply>>> act(ipc::Packet<ipc::QueueAct> request,
                                                      ipc::Peer peer);
    Task<Result<void>> act_on(ipc::QueueVerb verb, spool::QueueId id, std::string argument);
    Task<Result<ipc::Packet<ipc::QueueSuspendReply>>> suspend(
        ipc::Packet<ipc::QueueSuspend> request, ipc::Peer peer);

    Manager& manager_;
    ipc::Server server_;
};

}  // namespace facteur::qmgr
