#include "qmgr/notice.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/base/time.h"
#include "lib/smtp/xtext.h"
#include "qmgr/explanation.h"

namespace facteur::qmgr {
namespace {

/// RFC 3464 section 2.3.3.
std::string_view action_of(const NoticeParts& parts, spool::Fate fate) {
    const NoticeKind kind = parts.kind;
    if (kind == NoticeKind::report && parts.story->envelope.report == spool::Report::verify) {
        // As Postfix calls them: RFC 3464 has no words for what did not happen.
        return fate == spool::Fate::delivered ? "deliverable" : "undeliverable";
    }
    if (kind == NoticeKind::failure || fate == spool::Fate::failed) return "failed";
    if (kind == NoticeKind::delay || fate == spool::Fate::waiting) return "delayed";
    if (fate == spool::Fate::handed_on || fate == spool::Fate::relayed) return "relayed";
    return fate == spool::Fate::expanded ? "expanded" : "delivered";
}

/// In words, for people.
std::string_view success_text(spool::Fate fate, bool verify) {
    if (verify) return "A message would be delivered to this address.";
    if (fate == spool::Fate::handed_on) {
        return "The message was passed on to another mail system, which does not tell of success.";
    }
    if (fate == spool::Fate::relayed) {
        return "The message was passed on to another mail system.";
    }
    if (fate == spool::Fate::expanded) {
        return "The message was passed on to everybody for whom this address stands.";
    }
    return "The message was delivered.";
}

/// One header field; a value of any bytes cannot begin another field.
void put_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    out += printable(value, 900);
    out += "\r\n";
}

bool is_ascii(std::string_view text) {
    for (char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80) return false;
    }
    return true;
}

/// RFC 6533 section 3 has utf-8 for addresses that ASCII cannot hold; as they are, where the whole
/// part may be UTF-8.
void put_address(std::string& out, std::string_view name, const std::string& address, bool wide) {
    if (is_ascii(address) || !wide) {
        put_field(out, name, "rfc822; " + address);
        return;
    }
    out.append(name).append(": utf-8; ");
    for (char c : address.substr(0, 900)) {
        const bool control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
        out += control ? '?' : c;
    }
    out += "\r\n";
}

/// RFC 3464 section 2.3: one block a recipient.
void put_recipient_fields(std::string& out, const NoticeParts& parts, std::size_t index) {
    const spool::Recipient& recipient = parts.story->envelope.recipients[index];
    const spool::Progress& progress = parts.story->progress[index];
    out += "\r\n";
    if (!recipient.orcpt.empty()) {
        std::string typed = recipient.orcpt;
        std::size_t semicolon = typed.find(';');
        if (semicolon != std::string::npos) typed.insert(semicolon + 1, " ");
        put_field(out, "Original-Recipient", typed);
    }
    const bool wide = parts.story->envelope.smtputf8;
    put_address(out, "Final-Recipient", recipient.address, wide);
    put_field(out, "Action", action_of(parts, progress.fate));
    put_field(out, "Status", progress.status.empty() ? "4.0.0" : progress.status);
    if (!progress.remote.empty()) put_field(out, "Remote-MTA", progress.remote);
    std::string diagnostic = progress.diagnostic;
    if (diagnostic.empty()) diagnostic = "X-" + parts.mail_name + "; " + progress.text;
    put_field(out, "Diagnostic-Code", diagnostic);
    if (parts.kind == NoticeKind::delay && parts.retry_until > 0) {
        put_field(out, "Will-Retry-Until", rfc5322_date(WallTime(Seconds(parts.retry_until))));
    }
}

/// Sentences in lines that a person likes to read.
void put_wrapped(std::string& out, std::string_view text) {
    constexpr std::size_t kWidth = 68;
    while (text.size() > kWidth) {
        std::size_t space = text.rfind(' ', kWidth);
        if (space == std::string_view::npos || space == 0) break;
        out.append("    ").append(text.substr(0, space)).append("\r\n");
        text.remove_prefix(space + 1);
    }
    out.append("    ").append(text).append("\r\n");
}

/// What happened to one recipient, what that means, and whose words these are.
void put_recipient_text(std::string& out, const NoticeParts& parts, std::size_t index) {
    const spool::Recipient& recipient = parts.story->envelope.recipients[index];
    const spool::Progress& progress = parts.story->progress[index];
    out += "\r\n<" + printable(recipient.address) + ">";
    if (!recipient.original.empty() && recipient.original != recipient.address) {
        out += " (expanded from <" + printable(recipient.original) + ">)";
    }
    out += ":\r\n";
    const bool good = progress.fate != spool::Fate::failed && progress.fate != spool::Fate::waiting;
    const bool verify =
        parts.kind == NoticeKind::report && parts.story->envelope.report == spool::Report::verify;
    put_wrapped(out, good ? success_text(progress.fate, verify) : explanation(progress.status));
    if (!progress.text.empty())
        out += "    In its words: " + printable(progress.text, 900) + "\r\n";
}

void put_text_part(std::string& out, const NoticeParts& parts) {
    const bool wide = parts.words->charset != "us-ascii" || parts.story->envelope.smtputf8;
    out += "Content-Description: Notification\r\nContent-Type: text/plain; charset=";
    out += wide && parts.words->charset == "us-ascii" ? "utf-8" : parts.words->charset;
    out += "\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    out += replace_all(parts.words->text, "\n", "\r\n");
    for (std::size_t index : parts.recipients)
        put_recipient_text(out, parts, index);
}

/// RFC 6533 section 4 has types of their own for what needs SMTPUTF8.
void put_status_part(std::string& out, const NoticeParts& parts) {
    const spool::Envelope& envelope = parts.story->envelope;
    out += "Content-Description: Delivery report\r\nContent-Type: message/";
    out += envelope.smtputf8 ? "global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                             : "delivery-status\r\n\r\n";
    put_field(out, "Reporting-MTA", "dns; " + parts.hostname);
    if (!envelope.envid.empty()) {  // RFC 3464 section 2.2.1: without its encoding
        auto plain = smtp::xtext_decode(envelope.envid);
        put_field(out, "Original-Envelope-Id", plain.value_or(envelope.envid));
    }
    put_field(out, "X-" + parts.mail_name + "-Queue-ID", parts.queue_id);
    put_address(out, "X-" + parts.mail_name + "-Sender", envelope.sender, envelope.smtputf8);
    put_field(out, "Arrival-Date",
              rfc5322_date(WallTime(std::chrono::microseconds(envelope.arrival))));
    for (std::size_t index : parts.recipients)
        put_recipient_fields(out, parts, index);
}

/// The message, or its header (RFC 6522 section 4, RFC 6533 section 4).
void put_returned_part(std::string& out, const NoticeParts& parts) {
    const bool wide = parts.story->envelope.smtputf8;
    const bool bad = parts.kind == NoticeKind::failure || parts.kind == NoticeKind::delay;
    out += bad ? "Content-Description: Undelivered Message" : "Content-Description: Message";
    if (parts.header_only) {
        out += " Headers\r\nContent-Type: ";
        out += wide ? "message/global-headers\r\n" : "text/rfc822-headers\r\n";
    } else {
        out += "\r\nContent-Type: ";
        out += wide ? "message/global\r\n" : "message/rfc822\r\n";
    }
    if (!is_ascii(parts.returned)) out += "Content-Transfer-Encoding: 8bit\r\n";
    out += "\r\n";
    out += parts.returned;
}

/// The Message-Id of the message it is about, so that mail programs show both as one thread; empty
/// when it has none that looks like one.
std::string_view message_id_of(std::string_view content) {
    constexpr std::string_view kName = "Message-Id:";
    constexpr std::size_t kMost = 900;
    std::string_view header = header_of(content);
    while (!header.empty()) {
        std::size_t end = std::min(header.find("\r\n"), header.size());
        if (istarts_with(header, kName)) {
            std::string_view id = trim(header.substr(kName.size(), end - kName.size()));
            const bool good = id.starts_with('<') && id.ends_with('>') && id.size() < kMost &&
                              id.find_first_of(" \t") == std::string_view::npos && is_ascii(id);
            return good ? id : std::string_view();
        }
        header.remove_prefix(std::min(end + 2, header.size()));
    }
    return {};
}

void put_header(std::string& out, const NoticeParts& parts, const std::string& boundary) {
    WallTime now{Seconds(parts.now)};
    const Template& words = *parts.words;
    out += "Date: " + rfc5322_date(now) + "\r\n";
    std::string from = words.from;
    std::size_t end = std::min(from.find(' '), from.size());
    if (from.find('@') == std::string::npos) from.insert(end, "@" + parts.sender_domain);
    put_field(out, "From", from);
    const bool copy = parts.for_postmaster && !words.postmaster_subject.empty();
    put_field(out, "Subject", copy ? words.postmaster_subject : words.subject);
    put_field(out, "To", parts.to);
    std::string_view about = message_id_of(parts.returned);
    if (!about.empty()) {
        put_field(out, "In-Reply-To", about);
        put_field(out, "References", about);
    }
    out += "Auto-Submitted: auto-replied\r\n";  // RFC 3834 section 5
    out += "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n";
    out += "\tboundary=\"" + boundary + "\"\r\n";
    out += "Message-Id: <" + boundary + "@" + parts.hostname + ">\r\n\r\n";
}

}  // namespace

std::string_view header_of(std::string_view content) {
    if (content.starts_with("\r\n")) return content.substr(0, 2);
    std::size_t end = content.find("\r\n\r\n");
    return end == std::string_view::npos ? content : content.substr(0, end + 4);
}

spool::QueueId copy_id(spool::QueueId notice) {
    // No process id is as large (PID_MAX_LIMIT), and a queue id has room for more.
    constexpr std::uint32_t kBeyondProcesses = 1 << 22;
    return spool::QueueId{notice.time, notice.process + kBeyondProcesses};
}

bool tells(NoticeKind kind, const spool::Progress& progress) {
    const spool::Fate fate = progress.fate;
    switch (kind) {
        case NoticeKind::failure:
            return fate == spool::Fate::failed;
        case NoticeKind::delay:
            return fate == spool::Fate::waiting;
        case NoticeKind::report:
            return true;
        case NoticeKind::success:
            break;
    }
    return fate == spool::Fate::delivered || fate == spool::Fate::handed_on ||
           fate == spool::Fate::expanded || progress.tell_relay;
}

bool wants_notice(const spool::Recipient& recipient, NoticeKind kind) {
    switch (kind) {
        case NoticeKind::failure:
            return recipient.notify == 0 || (recipient.notify & spool::notify_failure);
        case NoticeKind::delay:
            return recipient.notify == 0 || (recipient.notify & spool::notify_delay);
        case NoticeKind::success:
            return recipient.notify & spool::notify_success;
        case NoticeKind::report:
            return true;
    }
    return false;
}

std::size_t count_hops(std::string_view content, std::size_t limit) {
    std::string_view header = header_of(content);
    std::size_t hops = 0;
    while (!header.empty() && hops <= limit) {
        if (istarts_with(header, "Received:")) ++hops;
        std::size_t end = header.find("\r\n");
        if (end == std::string_view::npos) break;
        header.remove_prefix(end + 2);
    }
    return hops;
}

std::string make_notice(const NoticeParts& parts) {
    // The queue id of what is returned cannot stand in it: the boundary is unique.
    std::string boundary = parts.queue_id + "." + std::to_string(parts.now);
    if (parts.for_postmaster) boundary += "p";
    std::string open = "\r\n--" + boundary + "\r\n";
    std::string out;
    put_header(out, parts, boundary);
    out += "This is a MIME-encapsulated message.\r\n";
    out += open;
    put_text_part(out, parts);
    out += open;
    put_status_part(out, parts);
    out += open;
    put_returned_part(out, parts);
    out += "\r\n--" + boundary + "--\r\n";
    return out;
}

}  // namespace facteur::qmgr
