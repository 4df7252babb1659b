#pragma once

#include "imapd/settings.h"
#include "lib/login/mailbox_service.h"

namespace facteur::imapd {

/// The mailbox stage: service imap-mailbox.
class MailboxService : public login::MailboxService {
public:
    MailboxService(daemon::Process& process, const Settings& settings);

protected:
    Task<Ending> converse(Stream& stream, store::Store& store,
                          const ipc::OpenSession& session) override;

private:
    const Settings& imap_settings_;
};

}  // namespace facteur::imapd
