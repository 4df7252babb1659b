#include <algorithm>

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "qmgr/manager.h"
#include "qmgr/outgoing.h"

namespace facteur::qmgr {
namespace {

constexpr std::uint64_t kHeaderLook = 256 << 10;

std::vector<std::size_t> untold(const Message& message, spool::Fate fate) {
    std::vector<std::size_t> recipients;
    for (std::size_t i = 0; i < message.story.progress.size(); ++i) {
        const spool::Progress& progress = message.story.progress[i];
        if (progress.fate == fate && !progress.told) recipients.push_back(i);
    }
    return recipients;
}

std::string_view word_for(NoticeKind kind) {
    switch (kind) {
        case NoticeKind::failure:
            return "sender non-delivery notification";
        case NoticeKind::delay:
            return "sender delay notification";
        case NoticeKind::success:
            break;
    }
    return "sender delivery status notification";
}

}  // namespace

bool Manager::tells_postmaster(std::string_view notify_class) const {
    const auto& classes = settings_.notify_classes();
    return std::find(classes.begin(), classes.end(), notify_class) != classes.end();
}

/// Tells the sender what there is to tell, and notes in the step that it was told.  The notice is
/// on the disk before the step is: a crash between them tells twice rather than never.
Task<void> Manager::tell(Message& message, spool::Step& step) {
    for (auto [kind, fate] : {std::pair(NoticeKind::failure, spool::Fate::failed),
                              std::pair(NoticeKind::success, spool::Fate::delivered)}) {
        std::vector<std::size_t> recipients = untold(message, fate);
        std::vector<std::size_t> listed = recipients;
        if (recipients.empty()) continue;
        bool told = co_await notify(message, kind, std::move(listed));
        for (std::size_t index : recipients) {
            if (!told) {  // no room for the notice: the fate stays, to be told with the next try
                message.story.progress[index].fate = spool::Fate::waiting;
                continue;
            }
            message.story.progress[index].told = true;
            step.told(index);
        }
    }
    const std::int64_t age = now_seconds() - message.story.envelope.arrival / 1000000;
    const std::int64_t patience = settings_.delay_warning().count();
    if (patience == 0 || age < patience || message.story.warned) co_return;
    std::vector<std::size_t> late = untold(message, spool::Fate::waiting);
    if (late.empty()) co_return;
    bool told = co_await notify(message, NoticeKind::delay, std::move(late));
    if (told) step.warned();
}

/// True when it was told, or when nobody wants to hear it.
Task<bool> Manager::notify(Message& message, NoticeKind kind, std::vector<std::size_t> recipients) {
    const spool::Envelope& envelope = message.story.envelope;
    std::erase_if(recipients, [&](std::size_t index) {
        return !wants_notice(envelope.recipients[index], kind);
    });
    if (recipients.empty()) co_return true;
    NoticeParts parts;
    parts.kind = kind;
    parts.recipients = std::move(recipients);
    parts.to = message.sender;
    // RFC 5321 section 6.1: nobody is told of what a notice itself comes to.
    const std::string double_bounce = settings_.double_bounce_sender() + "@" + settings_.myorigin();
    if (envelope.sender == double_bounce) {
        log_warning(message.id() + ": undeliverable postmaster notification discarded");
        co_return true;
    }
    if (!envelope.sender.empty()) co_return co_await send_notice(message, parts, std::string());
    if (kind != NoticeKind::failure || !tells_postmaster("2bounce")) co_return true;
    parts.to = settings_.bounce_notice_recipient();
    co_return co_await send_notice(message, parts, double_bounce);
}

Task<bool> Manager::send_notice(Message& message, NoticeParts parts, std::string sender) {
    const spool::Envelope& about = message.story.envelope;
    Result<spool::Content> content = co_await spool_.content(message.stored);
    if (!content) co_return false;
    // RFC 3461 section 4.3: RET=HDRS, and success and delay notices, bring the header only.
    parts.header_only = about.ret == spool::Ret::headers || parts.kind != NoticeKind::failure ||
                        content->size > settings_.bounce_size_limit();
    std::uint64_t length = content->size;
    if (parts.header_only) length = std::min(length, kHeaderLook);
    auto original =
        spool::read_exactly(content->fd.get(), content->offset, static_cast<std::size_t>(length));
    if (!original) co_return false;
    parts.returned = parts.header_only ? header_of(*original) : std::string_view(*original);
    parts.queue_id = message.id();
    parts.hostname = settings_.myhostname();
    parts.mail_name = settings_.mail_name();
    parts.sender_domain = settings_.myorigin();
    parts.now = now_seconds();
    parts.retry_until = about.arrival / 1000000 + lifetime(message).count();
    parts.story = &message.story;

    spool::Envelope envelope;
    envelope.sender = std::move(sender);
    envelope.arrival = now_micros();
    envelope.protocol = "local";
    envelope.smtputf8 = about.smtputf8;
    envelope.body = spool::Body::eight_bit_mime;
    spool::Recipient recipient;
    recipient.address = parts.to;
    envelope.recipients.push_back(std::move(recipient));
    std::string id = spool::make_queue_id();
    std::string text = make_notice(parts);
    spool::QueueId parsed = *spool::QueueId::parse(id);
    Result<void> accepted = co_await accept_text(parsed, std::move(envelope), std::move(text));
    if (!accepted) {
        log_warning(message.id() + ": cannot notify the sender: " + accepted.error().text);
        co_return false;
    }
    log_info(fmt::format("{}: {}: {}", message.id(), word_for(parts.kind), id));
    co_return true;
}

}  // namespace facteur::qmgr
