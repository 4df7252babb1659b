#pragma once

#include <string>
#include <vector>

#include "lib/ipc/client.h"
#include "lib/ipc/ways/queue.h"
#include "lmtp-local/mail.h"
#include "lmtp-local/settings.h"

namespace facteur {
class WorkerPool;
}

namespace facteur::lmtp_local {

/// Gives qmgr a message once more, for other recipients or for another transport.
class Resubmitter {
public:
    Resubmitter(Scope& scope, WorkerPool& workers, const Settings& settings);

    struct Forward {
        std::vector<std::string> addresses;
        std::string owner;   ///< the new envelope sender; empty: as it is
        bool alone = false;  ///< nothing else becomes of the recipient's mail
        std::string part;    ///< which, when a recipient's mail is forwarded several times
    };
    /// To other addresses, with a Delivered-To: field.
    Task<Outcome> forward(const Mail& mail, Addressee recipient, Forward way);
    /// To the same address by "transport:nexthop", as it is.
    Task<Outcome> pass(const Mail& mail, Addressee recipient, std::string transport);

private:
    ipc::Submit as_it_came(const Mail& mail) const;
    Task<Outcome> submit(const Mail& mail, ipc::Submit submit, std::string fields);
    bool marks_forwarded() const;

    ipc::Client queue_;
    WorkerPool& workers_;
    const Settings& settings_;
};

}  // namespace facteur::lmtp_local
