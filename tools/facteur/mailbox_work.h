#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/facteur/mailbox_account.h"
#include "tools/facteur/mailbox_query.h"

namespace facteur::tool {

/// What was said on the command line.
struct MailboxWish {
    std::string user;
    std::string mailbox;             ///< a name or pattern; the target of copy
    std::vector<std::string> words;  ///< the query
    std::string source;
    std::string target;
    std::string format = "mbox";
    bool json = false;
    bool quiet = false;
    bool recount = false;
    bool list = false;
    bool insecure = false;
};

/// One open mailbox and the messages of it that a query finds.
struct Found {
    std::string name;
    std::unique_ptr<store::Mailbox> mailbox;
    std::vector<std::uint32_t> uids;
};
/// Fills in the UIDs that the query finds.
Task<Result<void>> find_in(const Query& query, Found& found);
/// The mailboxes that can be opened.
Task<Result<std::vector<store::MailboxInfo>>> selectable(Account& account);
std::vector<std::string> keywords_of(const store::Message& message, const store::Mailbox& mailbox);

// Each prints what it finds or did.
Task<Result<void>> show_list(Account& account, const MailboxWish& wish);
Task<Result<void>> show_status(Account& account, const MailboxWish& wish);
Task<Result<void>> show_quota(Account& account, const MailboxWish& wish);
Task<Result<void>> expunge_found(Account& account, const MailboxWish& wish);
Task<Result<void>> copy_found(Account& account, const MailboxWish& wish);
Task<Result<void>> undelete(Account& account, const MailboxWish& wish);
Task<Result<void>> purge(Account& account, const MailboxWish& wish);
Task<Result<void>> import_mail(Account& account, const MailboxWish& wish);
Task<Result<void>> export_mail(Account& account, const MailboxWish& wish);

}  // namespace facteur::tool
