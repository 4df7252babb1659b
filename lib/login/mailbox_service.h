#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lib/base/fd.h"
#include "lib/daemon/service.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/ways/mailbox.h"
#include "lib/net/stream.h"
#include "lib/store/store.h"

namespace facteur::login {

/// How a conversation ended, for the log.
struct Ending {
    std::string why;
    std::string detail;  ///< "in=12 out=3456"
};
/// The protocol's part of a session; never throws.
using Converse =
    std::function<Task<Ending>(daemon::Process&, Stream&, store::Store&, const ipc::OpenSession&)>;

/// What the owner of the mail runs: serves the sessions that the Broker passes on.
class MailboxService : public daemon::Service {
public:
    /// way: to the Broker.
    MailboxService(daemon::Process& process, std::string protocol, store::Options options,
                   Converse converse, Fd way);

    Task<void> start() override;
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;

private:
    /// Sessions of one user share what the store knows of the mailboxes; the last one drops it.
    using SharedStore = std::shared_ptr<store::Store>;

    Task<void> take_sessions();
    Task<void> admit(ipc::Frame frame);
    Task<Result<SharedStore>> store_of(const ipc::OpenSession& session);
    Task<void> run(std::uint64_t number, ipc::OpenSession session, Fd socket, SharedStore store);
    void answer(std::uint64_t number, const ipc::OpenSessionReply& reply);

    const std::string protocol_;
    const store::Options options_;
    const Converse converse_;
    std::map<std::string, std::weak_ptr<store::Store>> stores_;
    ipc::Channel broker_;
};

}  // namespace facteur::login
