#include "imapd/mailbox_service.h"

#include "imapd/session.h"

namespace facteur::imapd {

MailboxService::MailboxService(daemon::Process& process, const Settings& settings)
    : login::MailboxService(process, "imap", settings.mailbox, settings),
      imap_settings_(settings) {}

Task<MailboxService::Ending> MailboxService::converse(Stream& stream, store::Store& store,
                                                      const ipc::OpenSession& session) {
    Session conversation(stream, store, process().workers(), imap_settings_);
    co_await conversation.run(session.tag);
    Ending ending;
    ending.why = conversation.ending();
    ending.detail = "in=" + std::to_string(conversation.received()) +
                    " out=" + std::to_string(conversation.sent());
    co_return ending;
}

}  // namespace facteur::imapd
