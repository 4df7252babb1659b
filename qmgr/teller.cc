#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "qmgr/manager.h"
#include "qmgr/outgoing.h"

namespace facteur::qmgr {
namespace {

constexpr std::uint64_t kReturnedHeader = 256 << 10;

std::string_view word_for(NoticeKind kind) {
    switch (kind) {
        case NoticeKind::failure:
            return "sender non-delivery notification";
        case NoticeKind::delay:
            return "sender delay notification";
        case NoticeKind::success:
        case NoticeKind::report:
            break;
    }
    return "sender delivery status notification";
}

std::string double_bounce_sender(const Settings& settings) {
    const std::string& sender = settings.notices.double_bounce_sender();
    return sender.find('@') == std::string::npos ? sender + "@" + settings.myorigin() : sender;
}

/// An id that the story has already is used again: its message may be in the queue.
spool::QueueId id_from(const std::string& text) {
    auto known = spool::QueueId::parse(text);
    return known ? *known : *spool::QueueId::parse(spool::make_queue_id());
}

}  // namespace

bool Manager::tells_postmaster(std::string_view notify_class) const {
    const auto& classes = settings_.notices.notify_classes();
    return std::find(classes.begin(), classes.end(), notify_class) != classes.end();
}

/// Does anybody want to hear this of the recipient?
bool Manager::hears(const Message& message, NoticeKind kind, std::size_t recipient) const {
    const spool::Envelope& envelope = message.story.envelope;
    const bool asked_by_time = kind == NoticeKind::delay
                                   ? is_past_its_time(message)
                                   : message.story.progress[recipient].tell_relay;
    // RFC 2852 section 4.1.4: only NOTIFY=NEVER wins over it.
    const bool never = envelope.recipients[recipient].notify & spool::notify_never;
    const bool cleared = kind == NoticeKind::success && message.story.warned &&
                         settings_.notices.confirm_delay_cleared();
    const bool asked = (asked_by_time || cleared) && kind != NoticeKind::failure && !never;
    if (!asked && !wants_notice(envelope.recipients[recipient], kind)) return false;
    // RFC 5321 section 6.1: nobody is told of what a notice itself comes to, but the postmaster.
    if (envelope.sender == double_bounce_sender(settings_)) return false;
    if (!envelope.sender.empty()) return true;
    return kind == NoticeKind::failure && tells_postmaster("2bounce");
}

/// RFC 2852 section 4.1.1: by-mode N, and nobody before us has told it.
bool Manager::is_past_its_time(const Message& message) {
    const spool::Envelope& envelope = message.story.envelope;
    return envelope.by_mode == spool::ByMode::notify &&
           envelope.deliver_by > envelope.arrival / 1000000 && envelope.deliver_by <= now_seconds();
}

bool Manager::is_late(const Message& message) const {
    if (is_past_its_time(message)) return !message.story.warned;
    const std::int64_t age = now_seconds() - born(message);
    const std::int64_t patience = settings_.notices.delay_warning().count();
    return patience > 0 && age >= patience && !message.story.warned;
}

/// sendmail(1) -v and -bv: nobody hears of what has no sender.
bool Manager::owes_report(const Message& message) {
    const spool::Envelope& envelope = message.story.envelope;
    return envelope.report != spool::Report::none && !envelope.sender.empty() &&
           !message.story.reported;
}

void Manager::plan_report(const Message& message, spool::Step& step,
                          std::vector<Notice>& notices) const {
    if (!owes_report(message)) return;
    Notice report{id_from(message.story.report), NoticeKind::report, {}};
    if (message.story.report.empty()) step.report(report.id.text());
    const auto& progress = message.story.progress;
    for (std::size_t i = 0; i < progress.size(); ++i) {
        // Members of aliases speak for them.
        const bool alias = progress[i].fate == spool::Fate::expanded && progress[i].text.empty();
        if (!alias) report.recipients.push_back(i);
    }
    notices.push_back(std::move(report));
}

/// What there is to tell, with the queue ids of the messages that will tell it, which go into the
/// step.
std::vector<Notice> Manager::notices_for(const Message& message, spool::Step& step) const {
    std::vector<Notice> notices;
    plan_report(message, step, notices);
    if (message.verify) return notices;
    std::map<std::pair<NoticeKind, std::string>, std::vector<std::size_t>> wanted;
    const auto& progress = message.story.progress;
    const bool late = is_late(message);
    for (std::size_t i = 0; i < progress.size(); ++i) {
        for (NoticeKind kind : {NoticeKind::failure, NoticeKind::delay, NoticeKind::success}) {
            const bool delay = kind == NoticeKind::delay;
            if (!tells(kind, progress[i]) || !hears(message, kind, i)) continue;
            if (delay ? !late : progress[i].told) continue;
            const std::string& id = delay ? message.story.warning : progress[i].notice;
            wanted[{kind, id}].push_back(i);
        }
    }
    for (auto& [what, recipients] : wanted) {
        Notice notice{id_from(what.second), what.first, std::move(recipients)};
        const std::string id = notice.id.text();
        const bool is_new = what.second.empty();
        if (is_new && notice.kind == NoticeKind::delay) step.warning(id);
        for (std::size_t index : notice.recipients) {
            if (is_new && notice.kind != NoticeKind::delay) step.notice(index, id);
        }
        notices.push_back(std::move(notice));
    }
    return notices;
}

/// Brings the notices into the queue.  For one that finds no room there its recipients stay
/// untold, and the message stays until they are.
Task<void> Manager::tell(Message& message, std::vector<Notice> notices, spool::Step& step) {
    for (Notice& notice : notices) {
        const std::vector<std::size_t> recipients = notice.recipients;
        const NoticeKind kind = notice.kind;
        bool told = co_await send_notice(message, std::move(notice));
        if (!told) continue;
        if (kind == NoticeKind::delay) step.warned();
        if (kind == NoticeKind::report) {
            message.story.reported = true;
            step.reported();
        }
        for (std::size_t index : recipients) {
            if (kind == NoticeKind::delay || kind == NoticeKind::report) break;
            message.story.progress[index].told = true;
            step.told(index);
        }
    }
}

Result<NoticeParts> Manager::parts_of(const Message& message, const Notice& notice,
                                      const spool::Content& content, std::string& original) const {
    const spool::Envelope& about = message.story.envelope;
    NoticeParts parts;
    parts.kind = notice.kind;
    parts.recipients = notice.recipients;
    parts.words = &settings_.notices.words_for(notice.kind);
    // RFC 3461 section 4.3: RET=HDRS, and success and delay notices, bring the header only.
    // RFC 8689 section 5: the content stays where TLS was required of its way.
    parts.header_only = about.ret == spool::Ret::headers || about.requiretls ||
                        parts.kind != NoticeKind::failure ||
                        content.size > settings_.notices.bounce_size_limit();
    std::uint64_t length = content.size;
    if (parts.header_only) length = std::min(length, kReturnedHeader);
    TRY(original,
        spool::read_exactly(content.fd.get(), content.offset, static_cast<std::size_t>(length)));
    parts.returned = parts.header_only ? header_of(original) : std::string_view(original);
    parts.queue_id = message.id();
    parts.hostname = settings_.myhostname();
    parts.mail_name = settings_.mail_name();
    parts.sender_domain = settings_.myorigin();
    parts.now = now_seconds();
    parts.retry_until = born(message) + lifetime(message).count();
    parts.story = &message.story;
    return parts;
}

/// One that the postmaster gets too when notify_classes wants it, as a copy with the header only.
Task<bool> Manager::send_notice(Message& message, Notice notice) {
    Result<spool::Content> content = co_await spool_.content(message.stored);
    if (!content) co_return false;
    std::string original;
    Result<NoticeParts> parts = parts_of(message, notice, *content, original);
    if (!parts) co_return false;
    const bool double_bounce = message.story.envelope.sender.empty();
    std::string from = double_bounce ? double_bounce_sender(settings_) : std::string();
    parts->to = double_bounce ? settings_.notices.double_bounce_notice_recipient() : message.sender;
    parts->for_postmaster = double_bounce;
    bool sent = co_await post(message, *parts, notice.id, std::move(from));
    if (!sent) co_return false;
    const bool delay = notice.kind == NoticeKind::delay;
    const bool wanted = delay ? tells_postmaster("delay") : tells_postmaster("bounce");
    const bool good = notice.kind == NoticeKind::success || notice.kind == NoticeKind::report;
    if (double_bounce || !wanted || good) co_return true;
    parts->to = delay ? settings_.notices.delay_notice_recipient()
                      : settings_.notices.bounce_notice_recipient();
    parts->for_postmaster = true;
    parts->returned = header_of(parts->returned);
    parts->header_only = true;
    std::string sender = double_bounce_sender(settings_);
    bool copied = co_await post(message, *parts, copy_id(notice.id), std::move(sender));
    co_return copied;
}

/// internal_mail_filter_classes
bool Manager::is_filtered(const NoticeParts& parts) const {
    const auto& classes = settings_.internal_filter_classes();
    const std::string_view own = parts.for_postmaster ? "notify" : "bounce";
    return std::find(classes.begin(), classes.end(), own) != classes.end();
}

Task<bool> Manager::post(const Message& message, const NoticeParts& parts, spool::QueueId id,
                         std::string sender) {
    const spool::Envelope& about = message.story.envelope;
    spool::Envelope envelope;
    envelope.sender = std::move(sender);
    envelope.arrival = now_micros();
    envelope.protocol = spool::kForwarded;
    envelope.smtputf8 = about.smtputf8;
    envelope.requiretls = about.requiretls;
    envelope.tls_optional = about.tls_optional;
    envelope.body = spool::Body::eight_bit_mime;
    spool::Recipient recipient;
    recipient.address = parts.to;
    envelope.recipients.push_back(std::move(recipient));
    std::string text = make_notice(parts);
    bool hold = false;
    if (is_filtered(parts)) {
        Result<CleanedMail> cleaned = co_await cleaning_.clean(id, envelope, text, ipc::Clean());
        if (!cleaned || cleaned->refusal.starts_with('4')) co_return false;
        if (cleaned->discard || !cleaned->refusal.empty()) {
            log_warning(id.text() + ": notification discarded: " + cleaned->refusal);
            co_return true;
        }
        hold = cleaned->hold;
    }
    Result<void> accepted = co_await accept_text(id, std::move(envelope), std::move(text), hold);
    if (!accepted) {
        log_warning(message.id() + ": cannot notify the sender: " + accepted.error().text);
        co_return false;
    }
    std::string_view word = parts.for_postmaster ? "postmaster notification" : word_for(parts.kind);
    log_info(fmt::format("{}: {}: {}", message.id(), word, id.text()));
    co_return true;
}

}  // namespace facteur::qmgr
