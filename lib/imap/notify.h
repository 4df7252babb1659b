#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lib/imap/fetch.h"
#include "lib/imap/scanner.h"

namespace facteur::imap {

/// Which mailboxes: RFC 5465 section 6, and RFC 7377 section 2.2 with the last one.
struct MailboxFilter {
    enum class Kind {
        selected,
        selected_delayed,
        inboxes,
        personal,
        subscribed,
        subtree,
        mailboxes,
        subtree_one
    };
    Kind kind = Kind::selected;
    std::vector<std::string> names;  ///< of the last three, as the client wrote them
};
/// At most `limit` names.
Result<MailboxFilter> parse_mailbox_filter(Scanner& scanner, std::size_t limit);

/// RFC 5465 section 5, as bits.
enum NotifyEvent : unsigned {
    message_new = 1,
    message_expunge = 2,
    flag_change = 4,
    mailbox_name_event = 8,
    subscription_change = 16,
    mailbox_metadata = 32,
    server_metadata = 64,
};
constexpr unsigned kMessageEvents = message_new | message_expunge | flag_change;

struct NotifyGroup {
    MailboxFilter filter;
    unsigned events = 0;
    std::vector<FetchItem> items;  ///< what to tell of new messages, where they are selected
};
struct NotifyArguments {
    bool is_none = false;
    bool wants_status = false;
    bool has_unknown_event = false;  ///< NO [BADEVENT …]
    std::vector<NotifyGroup> groups;
};
/// RFC 5465 section 8.  The scanner stands at the space behind NOTIFY.
Result<NotifyArguments> parse_notify(Scanner& scanner, std::size_t name_limit,
                                     std::size_t item_limit);

}  // namespace facteur::imap
