#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "lib/config/common.h"
#include "lib/daemon/service.h"
#include "lib/ipc/client.h"
#include "lib/ipc/server.h"
#include "lib/ipc/ways/auth.h"
#include "lib/ipc/ways/mailbox.h"
#include "lib/net/stream.h"
#include "lib/sandbox/privileges.h"
#include "lib/store/store.h"

namespace facteur::login {

/// Parameters of a mailbox stage; `daemon` is "imapd" or "pop3d".
struct MailboxSettings : conf::Section {
    MailboxSettings(Section& outer, std::string_view daemon) : Section(outer), daemon_(daemon) {}

private:
    std::string daemon_;

public:
    conf::Param<int> sessions_per_process{
        params, daemon_ + "_sessions_per_process", 10000, conf::at_least(1),
        "Sessions that one mailbox-stage process serves at a time; 1 gives each a process of its "
        "own, as far as the process limit in master.cf goes."};
    conf::Param<int> max_userip_connections{
        params, "mail_max_userip_connections", 10, conf::at_least(0),
        "Sessions that one user may have from one address in one process; 0 is no limit."};
};

/// What every process that handles mailboxes may do.  The capabilities stay only where master.cf
/// says unpriv = n, for users with uids of their own.
sandbox::Privileges mailbox_privileges();

/// The mailbox stage of a protocol: takes over sessions whose user is known.
class MailboxService : public daemon::Service {
public:
    MailboxService(daemon::Process& process, std::string protocol, const MailboxSettings& settings,
                   const conf::Common& common);

    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    Task<void> drain() override;
    std::string status() const override;

protected:
    /// How a conversation ended, for the log.
    struct Ending {
        std::string why;
        std::string detail;  ///< "in=12 out=3456"
    };
    /// The protocol's part; never throws.
    virtual Task<Ending> converse(Stream& stream, store::Store& store,
                                  const ipc::OpenSession& session) = 0;

private:
    class Presence;
    using Answer = Result<ipc::Packet<ipc::OpenSessionReply>>;
    /// Sessions of one user share what the store knows of the mailboxes; the last one drops it.
    using SharedStore = std::shared_ptr<store::Store>;

    Task<Answer> open(ipc::Packet<ipc::OpenSession> packet);
    Task<Result<SharedStore>> store_of(std::string user);
    Task<void> run(ipc::OpenSession session, Fd socket, SharedStore store);
    bool is_full() const { return sessions_ >= settings_.sessions_per_process(); }
    bool is_over_limit(const ipc::OpenSession& session) const;

    const std::string protocol_;
    const MailboxSettings& settings_;
    const conf::Common& common_;
    ipc::Client authd_;
    ipc::Server server_;
    std::map<std::string, std::weak_ptr<store::Store>> stores_;
    std::map<std::string, int> per_client_;  ///< sessions by user and address
    int sessions_ = 0;
    Scope ways_;  ///< connections of the login stages
};

}  // namespace facteur::login
