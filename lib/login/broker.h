#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include "lib/daemon/service.h"
#include "lib/ipc/client.h"
#include "lib/ipc/server.h"
#include "lib/ipc/ways/auth.h"
#include "lib/ipc/ways/mailbox.h"
#include "lib/login/mailbox_settings.h"
#include "lib/login/owner_process.h"

namespace facteur::login {

/// The mailbox stage's front: takes sessions whose user is known from the login stages, asks authd
/// whose mail that is, and passes each on to a process of that uid, which its nursery makes on
/// demand.  It opens no mailbox and cannot.
///
/// Started by an ordinary user it works the same way, with children of the one uid: the parts of
/// the suite do not change with who starts it, and a defect in a session stays away from the rest.
class Broker : public daemon::Service {
public:
    Broker(daemon::Process& process, std::string protocol, const MailboxSettings& settings);

    Task<void> start() override;
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    Task<void> drain() override;
    std::string status() const override;

private:
    using Answer = Result<ipc::Packet<ipc::OpenSessionReply>>;
    using Owner = std::shared_ptr<OwnerProcess>;  // shared by the list and who waits for it

    Task<Answer> open(ipc::Packet<ipc::OpenSession> packet);
    Task<Result<ipc::UserReply>> look_up(std::string user);
    bool is_over_limit(const ipc::OpenSession& session) const;
    Result<daemon::Birth> owner_of(const ipc::UserReply& user) const;
    Result<Owner> process_for(daemon::Birth wanted);
    bool make_room();
    std::size_t working() const;
    Task<void> attend(Owner owner);
    Task<void> watch_nursery();
    Task<void> pass_on_end();

    const std::string protocol_;
    const MailboxSettings& settings_;
    ipc::Client authd_;
    ipc::Server server_;
    std::map<std::string, int> per_client_;  ///< sessions by user and address
    std::list<Owner> owners_;
    std::size_t serving_ = 0;  ///< connections of login stages
    Signal changed_;
    Scope hosting_;  ///< waits for the children; outlives the cancelling of the sessions
    Scope ways_;     ///< connections of the login stages
};

}  // namespace facteur::login
