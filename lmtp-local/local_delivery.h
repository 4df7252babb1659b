#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/ipc/client.h"
#include "lib/table/address_keys.h"
#include "lmtp-local/hands.h"
#include "lmtp-local/macros.h"
#include "lmtp-local/mail.h"
#include "lmtp-local/settings.h"
#include "lmtp-local/users.h"

namespace facteur::lmtp_local {

/// On whose behalf commands run and files are written.
struct Account {
    Identity who;
    std::string name;  ///< empty: nobody's, the target stands in an alias
    std::string home;
};

/// What local(8) does with a message besides putting it into a mailbox of the store: commands,
/// files, ~/.forward; all of it by hands, as the user.
class LocalDelivery {
public:
    LocalDelivery(const Settings& settings, Hands& hands, ipc::Client& addressd);

    /// The target of an alias: default_privs.
    Result<Account> account_of_aliases() const;
    Account account_of(const User& user) const;

    Task<Outcome> to_command(const Mail& mail, const Addressee& recipient, Account account,
                             std::string command);
    /// A name with / at the end is a Maildir.
    Task<Outcome> to_file(const Mail& mail, const Addressee& recipient, Account account,
                          std::string path);
    /// Where mailbox_command, home_mailbox and mail_spool_directory send mail for a system user;
    /// nothing when it goes into the user's letterbox.
    Task<std::optional<Outcome>> to_mailbox(const Mail& mail, const Addressee& recipient,
                                            const User& user);
    /// A mailbox file of virtual(8).
    Task<Outcome> to_virtual_file(const Mail& mail, const Addressee& recipient, Identity owner,
                                  std::string path);
    /// "transport:nexthop" that mailbox_transport and its maps say for everybody, or
    /// fallback_transport and its maps for a name that is no user's; empty: none.
    Task<Result<std::string>> transport(std::string name, bool is_user);
    /// The address for mail of unknown users; empty: none.
    std::string luser_relay(const Addressee& recipient) const;
    /// prepend_delivered_header: command, file, forward.
    bool marks(std::string_view what) const;
    /// A local part, apart from its extension.
    table::AddressParts split_name(std::string_view local) const;
    /// What the user's ~/.forward says; nothing when there is none.
    using Targets = std::optional<std::vector<ipc::AliasTarget>>;
    Task<Result<Targets>> forward_file(const Addressee& recipient, const User& user);
    /// Runs the command of a quota warning as the user; what goes wrong is logged.
    Task<void> warn(const User& user, std::string command);

private:
    Macros macros(const Addressee& recipient, const Account& account) const;
    std::vector<std::string> environment(const Mail& mail, const Addressee& recipient,
                                         const Account& account) const;
    Task<Outcome> append(const Mail& mail, const Addressee& recipient, Account account,
                         std::string path, bool is_mailbox);
    Task<Outcome> append_to_maildir(const Mail& mail, const Addressee& recipient, Account account,
                                    std::string path);
    void give_extension(std::vector<ipc::AliasTarget>& targets, const std::string& extension) const;
    FileTask file_task(const Mail& mail, const Addressee& recipient, std::string path) const;
    /// What the tables say of a name; else the other value.
    Task<Result<std::string>> of_user(const std::vector<std::string>& tables, std::string name,
                                      std::string otherwise);

    const Settings& settings_;
    Hands& hands_;
    ipc::Client& addressd_;
    Result<Account> aliases_;
};

}  // namespace facteur::lmtp_local
