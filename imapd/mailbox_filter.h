#pragma once

#include "lib/imap/notify.h"
#include "lib/store/store.h"

namespace facteur::imapd {

/// RFC 5465 section 6 for all but the selected mailbox; the filter's names are in UTF-8 here.
bool matches(const imap::MailboxFilter& filter, const store::MailboxInfo& mailbox,
             const store::Store& store);

}  // namespace facteur::imapd
