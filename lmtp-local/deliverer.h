#pragma once

#include <set>
#include <string>
#include <vector>

#include "lib/ipc/client.h"
#include "lib/ipc/ways/address.h"
#include "lib/ipc/ways/delivery.h"
#include "lmtp-local/flusher.h"
#include "lmtp-local/settings.h"
#include "lmtp-local/users.h"

namespace facteur::lmtp_local {

/// One message on its way into mailboxes.
struct Mail {
    std::string id;            ///< queue id, or what LMTP made up; names the deliveries
    std::string sender;        ///< empty: the null sender
    std::int64_t arrival = 0;  ///< microseconds since the epoch
    Fd content;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::string trace;  ///< Received: of our own LMTP server
    std::uint8_t body = 0;
    bool smtputf8 = false;
    std::string login;
    /// Flush before the answer: who gave us the mail forgets it then.
    bool durable = false;
};

/// What became of one recipient.
struct Outcome {
    ipc::Outcome outcome = ipc::Outcome::deferred;
    std::string status = "4.3.0";
    std::string text;
    std::set<std::uint64_t> domains;  ///< file systems with what is not flushed: Flusher::Job
    bool is_good() const {
        return outcome != ipc::Outcome::deferred && outcome != ipc::Outcome::failed;
    }
};

/// Finds out where mail for a recipient goes, and brings it there.
class Deliverer {
public:
    Deliverer(Scope& scope, WorkerPool& workers, const Settings& settings, Flusher& flusher);

    /// As virtual(8): the address is a user's.
    Task<Outcome> to_virtual(const Mail& mail, ipc::JobRecipient recipient);
    /// As local(8): aliases, ~/.forward, then the user's mailbox.
    Task<Outcome> to_local(const Mail& mail, ipc::JobRecipient recipient);
    /// nullptr: nobody here has this address, with or without its extension.
    Task<Result<std::shared_ptr<User>>> find(std::string address);

private:
    Task<Outcome> to_user(const Mail& mail, const ipc::JobRecipient& recipient,
                          std::shared_ptr<User> user, std::string delivery_id, bool repeated);
    Task<Outcome> to_targets(const Mail& mail, const ipc::JobRecipient& recipient,
                             std::vector<ipc::AliasTarget> targets, std::string owner);
    Task<Outcome> to_user_or_forward(const Mail& mail, const ipc::JobRecipient& recipient,
                                     std::shared_ptr<User> user, std::string name);
    Task<Outcome> forward(const Mail& mail, const ipc::JobRecipient& recipient,
                          std::vector<std::string> addresses, std::string sender);
    Task<std::vector<ipc::AliasTarget>> forward_file(std::shared_ptr<User> user);
    Task<bool> loops(const Mail& mail, std::string address);
    std::string without_extension(const std::string& local) const;

    Users users_;
    ipc::Client addressd_;
    ipc::Client queue_;
    WorkerPool& workers_;
    const Settings& settings_;
    Flusher& flusher_;
    const std::int64_t started_;  ///< mail that is older may have been delivered by a predecessor
};

/// The fields that a delivery puts on top.
std::string delivery_prefix(const Mail& mail, const ipc::JobRecipient& recipient);

}  // namespace facteur::lmtp_local
