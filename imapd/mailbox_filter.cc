#include "imapd/mailbox_filter.h"

#include <algorithm>

namespace facteur::imapd {

namespace {

bool is_personal(const std::string& name, const store::Store& store) {
    const std::vector<store::Namespace> all = store.namespaces();
    return std::none_of(all.begin(), all.end(), [&](const store::Namespace& one) {
        bool is_foreign = one.kind != store::Namespace::Kind::personal && !one.prefix.empty();
        return is_foreign && name.starts_with(one.prefix);
    });
}

/// The mailbox or, with `levels`, what stands below it.
bool is_at(const std::string& name, const std::string& top, char separator, std::size_t levels) {
    if (name == top) return true;
    if (levels == 0 || !name.starts_with(top + separator)) return false;
    return levels > 1 || name.find(separator, top.size() + 1) == std::string::npos;
}

}  // namespace

bool matches(const imap::MailboxFilter& filter, const store::MailboxInfo& mailbox,
             const store::Store& store) {
    using Kind = imap::MailboxFilter::Kind;
    std::size_t levels = 0;
    switch (filter.kind) {
        case Kind::selected:
        case Kind::selected_delayed:
            return false;
        // RFC 5465 section 6.3: what Sieve delivers into is not known beforehand.
        case Kind::inboxes:
        case Kind::personal:
            return is_personal(mailbox.name, store);
        case Kind::subscribed:
            return mailbox.subscribed;
        case Kind::mailboxes:
            break;
        case Kind::subtree:
            levels = 2;
            break;
        case Kind::subtree_one:
            levels = 1;
            break;
    }
    return std::any_of(filter.names.begin(), filter.names.end(), [&](const std::string& top) {
        return is_at(mailbox.name, top, store.separator(), levels);
    });
}

}  // namespace facteur::imapd
