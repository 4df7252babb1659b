#pragma once

#include <string>
#include <vector>

#include "lib/ipc/client.h"
#include "lib/ipc/ways/address.h"
#include "lmtp-local/flusher.h"
#include "lmtp-local/local_delivery.h"
#include "lmtp-local/mail.h"
#include "lmtp-local/settings.h"
#include "lmtp-local/users.h"

namespace facteur::lmtp_local {

/// Finds out where mail for a recipient goes, and brings it there.
class Deliverer {
public:
    Deliverer(Scope& scope, WorkerPool& workers, const Settings& settings, Flusher& flusher,
              Hands& hands);

    /// As virtual(8): the address is a user's.
    Task<Outcome> to_virtual(const Mail& mail, ipc::JobRecipient recipient);
    /// As local(8): aliases, ~/.forward, then the user's mailbox.
    Task<Outcome> to_local(const Mail& mail, ipc::JobRecipient recipient);
    /// Would it be delivered?  Nothing is.
    Task<Outcome> verify(ipc::JobRecipient recipient, bool local);
    /// nullptr: nobody here has this address, with or without its extension.
    Task<Result<std::shared_ptr<User>>> find(std::string address);

private:
    Task<Outcome> to_user(const Mail& mail, const ipc::JobRecipient& recipient,
                          std::shared_ptr<User> user, std::string delivery_id, bool repeated);
    Task<Outcome> to_targets(const Mail& mail, const ipc::JobRecipient& recipient,
                             std::vector<ipc::AliasTarget> targets, std::string owner,
                             Result<Account> account);
    Task<Outcome> to_mailbox(const Mail& mail, const ipc::JobRecipient& recipient,
                             std::shared_ptr<User> user, std::string delivery_id, bool repeated);
    Task<Outcome> to_named_user(const Mail& mail, const ipc::JobRecipient& recipient,
                                std::string name);
    Task<Outcome> to_user_or_forward(const Mail& mail, const ipc::JobRecipient& recipient,
                                     std::shared_ptr<User> user, std::string name);
    Task<Outcome> forward(const Mail& mail, const ipc::JobRecipient& recipient,
                          std::vector<std::string> addresses, std::string sender, bool alone);
    Task<Result<std::shared_ptr<User>>> find_local(std::string address, std::string& name);
    Task<bool> loops(const Mail& mail, std::string address);
    std::string without_extension(const std::string& local) const;

    Users users_;
    ipc::Client addressd_;
    LocalDelivery local_;
    ipc::Client queue_;
    WorkerPool& workers_;
    const Settings& settings_;
    Flusher& flusher_;
    const std::int64_t started_;  ///< mail that is older may have been delivered by a predecessor
};

}  // namespace facteur::lmtp_local
