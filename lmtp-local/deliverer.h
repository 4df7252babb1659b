#pragma once

#include <string>
#include <vector>

#include "lib/ipc/client.h"
#include "lib/ipc/ways/address.h"
#include "lmtp-local/flusher.h"
#include "lmtp-local/local_delivery.h"
#include "lmtp-local/mail.h"
#include "lmtp-local/resubmitter.h"
#include "lmtp-local/settings.h"
#include "lmtp-local/users.h"
#include "lmtp-local/virtual_mailboxes.h"

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

    /// local_delivery_status_filter, virtual_delivery_status_filter.
    Task<void> filter(ipc::RecipientResult& result, bool is_system_user);

private:
    /// What a message needs to be written once only, however often its delivery is tried.
    struct Once {
        std::string id;
        bool repeated = false;  ///< some targets may have their copy from an earlier attempt
    };
    Task<Outcome> to_user(const Mail& mail, const Addressee& recipient, std::shared_ptr<User> user,
                          Once once, bool marked);
    Task<Outcome> to_table_mailbox(const Mail& mail, const Addressee& recipient);
    Task<Outcome> to_targets(const Mail& mail, const Addressee& recipient,
                             std::vector<ipc::AliasTarget> targets, Result<Account> account,
                             std::string part);
    Task<Outcome> to_target(const Mail& mail, const Addressee& recipient,
                            const ipc::AliasTarget& target, const Result<Account>& account);
    Task<Outcome> to_addresses(const Mail& mail, const Addressee& recipient,
                               std::vector<ipc::AliasTarget> targets, std::string part);
    Task<Outcome> to_mailbox(const Mail& mail, const Addressee& recipient,
                             std::shared_ptr<User> user, std::string name, Once once);
    Task<Outcome> to_member(const Mail& mail, Addressee recipient, const ipc::AliasTarget& target);
    Task<Outcome> to_user_or_forward(const Mail& mail, const Addressee& recipient,
                                     std::shared_ptr<User> user, std::string name, Once once);
    Task<Outcome> to_nobody(const Mail& mail, const Addressee& recipient, std::string name);
    Addressee as_target(Addressee recipient, const ipc::AliasTarget& target) const;
    Task<Outcome> verify_local(ipc::JobRecipient recipient, std::string address);
    Task<Result<std::shared_ptr<User>>> find_local(std::string address, std::string& name);
    Task<bool> loops(const Mail& mail, std::string address);
    std::string without_extension(const std::string& local) const;
    Outcome undelivered(const Error& error) const;

    Scope& scope_;
    Users users_;
    ipc::Client addressd_;
    LocalDelivery local_;
    VirtualMailboxes tables_;
    Resubmitter resubmitter_;
    WorkerPool& workers_;
    const Settings& settings_;
    Flusher& flusher_;
    const std::int64_t started_;  ///< mail that is older may have been delivered by a predecessor
};

}  // namespace facteur::lmtp_local
