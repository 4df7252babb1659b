#include "qmgr/cleaning.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/write_all.h"
#include "lib/spool/files.h"

namespace facteur::qmgr {
namespace {

/// Milters have the time that milter_content_timeout gives them, and there may be several.
constexpr Seconds kCleanPatience{400};

ipc::SubmitRecipient on_the_way(const spool::Recipient& recipient) {
    ipc::SubmitRecipient out;
    out.address = recipient.address;
    out.original = recipient.original;
    out.orcpt = recipient.orcpt;
    out.notify = recipient.notify;
    return out;
}

spool::Recipient recipient_of(ipc::SubmitRecipient& from) {
    spool::Recipient recipient;
    recipient.address = std::move(from.address);
    recipient.original = std::move(from.original);
    recipient.orcpt = std::move(from.orcpt);
    recipient.notify = from.notify & 15;
    return recipient;
}

/// The envelope as the checks and milters left it: REDIRECT, BCC and FILTER of header_checks(5).
void take_cleaned(spool::Envelope& envelope, ipc::Cleaned& cleaned) {
    envelope.sender = std::move(cleaned.sender);
    envelope.recipients.clear();
    for (ipc::SubmitRecipient& recipient : cleaned.recipients)
        envelope.recipients.push_back(recipient_of(recipient));
    if (!cleaned.redirect.empty()) {
        envelope.recipients.clear();
        envelope.recipients.emplace_back();
        envelope.recipients.back().address = std::move(cleaned.redirect);
        return;
    }
    for (std::string& copy : cleaned.copies) {
        envelope.recipients.emplace_back();
        envelope.recipients.back().address = std::move(copy);
        envelope.recipients.back().notify = spool::notify_never;
    }
    if (!cleaned.filter.empty()) envelope.filter = std::move(cleaned.filter);
}

}  // namespace

Cleaning::Cleaning(Scope& scope) : policyd_(scope, "private/policy", kCleanPatience) {}

Task<Result<CleanedMail>> Cleaning::clean(spool::QueueId id, spool::Envelope& envelope,
                                          std::string& content, ipc::Clean how) {
    Fd file(::memfd_create("content", MFD_CLOEXEC));
    if (!file) co_return system_error("memfd_create");
    if (!write_all(file.get(), content)) co_return system_error("write the content");
    how.queue_id = id.text();
    how.sender = envelope.sender;
    how.smtputf8 = envelope.smtputf8;
    for (const spool::Recipient& recipient : envelope.recipients)
        how.recipients.push_back(on_the_way(recipient));
    const int descriptor = file.get();
    std::vector<Fd> fds;
    fds.push_back(Fd(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)));
    CO_TRY(auto answer, co_await policyd_.call(std::move(how), std::move(fds)));
    ipc::Cleaned& cleaned = answer.message;
    CleanedMail result;
    result.discard = cleaned.discard;
    result.hold = cleaned.hold;
    if (!cleaned.status.empty()) result.refusal = cleaned.status + " " + cleaned.text;
    if (!result.refusal.empty() || result.discard) co_return result;
    CO_TRY(content, spool::read_exactly(descriptor, 0, static_cast<std::size_t>(cleaned.size)));
    take_cleaned(envelope, cleaned);
    co_return result;
}

}  // namespace facteur::qmgr
