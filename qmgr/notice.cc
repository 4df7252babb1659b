#include "qmgr/notice.h"

#include "lib/base/text.h"
#include "lib/base/time.h"

namespace facteur::qmgr {
namespace {

struct Words {
    std::string_view subject;
    std::string_view action;  ///< RFC 3464 section 2.3.3
    std::string_view report;  ///< description of the second part
    std::string_view text;
};

const Words& words_for(NoticeKind kind) {
    static constexpr Words kWords[] = {
        {"Undelivered Mail Returned to Sender", "failed", "Delivery report",
         "I'm sorry to have to inform you that your message could not\r\n"
         "be delivered to one or more recipients. It's attached below.\r\n"
         "\r\n"
         "For further assistance, please send mail to postmaster.\r\n"
         "\r\n"
         "If you do so, please include this problem report. You can\r\n"
         "delete your own text from the attached returned message.\r\n"},
        {"Delayed Mail (still being retried)", "delayed", "Delivery report",
         "####################################################################\r\n"
         "# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\r\n"
         "####################################################################\r\n"
         "\r\n"
         "Your message could not be delivered yet. It will be retried.\r\n"
         "\r\n"
         "For further assistance, please send mail to postmaster.\r\n"},
        {"Successful Mail Delivery Report", "delivered", "Delivery report",
         "Your message was successfully delivered to the destination(s)\r\n"
         "listed below. If the message was delivered to mailbox you will\r\n"
         "receive no further notifications. Otherwise you may still receive\r\n"
         "notifications of mail delivery errors from other systems.\r\n"},
    };
    return kWords[static_cast<std::size_t>(kind)];
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

/// RFC 6533 section 3 has utf-8 for addresses that ASCII cannot hold.
std::string typed_address(const std::string& address) {
    return (is_ascii(address) ? "rfc822; " : "utf-8; ") + address;
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
    put_field(out, "Final-Recipient", typed_address(recipient.address));
    put_field(out, "Action", words_for(parts.kind).action);
    put_field(out, "Status", progress.status.empty() ? "4.0.0" : progress.status);
    if (!progress.remote.empty()) put_field(out, "Remote-MTA", progress.remote);
    std::string diagnostic = progress.diagnostic;
    if (diagnostic.empty()) diagnostic = "X-" + parts.mail_name + "; " + progress.text;
    put_field(out, "Diagnostic-Code", diagnostic);
    if (parts.kind == NoticeKind::delay && parts.retry_until > 0) {
        put_field(out, "Will-Retry-Until", rfc5322_date(WallTime(Seconds(parts.retry_until))));
    }
}

void put_text_part(std::string& out, const NoticeParts& parts) {
    out += "Content-Description: Notification\r\nContent-Type: text/plain; charset=utf-8\r\n";
    out += "Content-Transfer-Encoding: 8bit\r\n\r\n";
    out += "This is the mail system at host " + parts.hostname + ".\r\n\r\n";
    out += words_for(parts.kind).text;
    out += "\r\n                   The mail system\r\n";
    for (std::size_t index : parts.recipients) {
        const spool::Recipient& recipient = parts.story->envelope.recipients[index];
        const spool::Progress& progress = parts.story->progress[index];
        out += "\r\n<" + printable(recipient.address) + ">";
        if (!recipient.original.empty() && recipient.original != recipient.address) {
            out += " (expanded from <" + printable(recipient.original) + ">)";
        }
        out += ": " + printable(progress.text, 900) + "\r\n";
    }
}

void put_status_part(std::string& out, const NoticeParts& parts) {
    const spool::Envelope& envelope = parts.story->envelope;
    out += "Content-Description: ";
    out += words_for(parts.kind).report;
    out += "\r\nContent-Type: message/delivery-status\r\n\r\n";
    put_field(out, "Reporting-MTA", "dns; " + parts.hostname);
    if (!envelope.envid.empty()) put_field(out, "Original-Envelope-Id", envelope.envid);
    put_field(out, "X-" + parts.mail_name + "-Queue-ID", parts.queue_id);
    put_field(out, "X-" + parts.mail_name + "-Sender", "rfc822; " + envelope.sender);
    put_field(out, "Arrival-Date",
              rfc5322_date(WallTime(std::chrono::microseconds(envelope.arrival))));
    for (std::size_t index : parts.recipients)
        put_recipient_fields(out, parts, index);
}

void put_header(std::string& out, const NoticeParts& parts, const std::string& boundary) {
    WallTime now{Seconds(parts.now)};
    out += "Date: " + rfc5322_date(now) + "\r\n";
    out += "From: MAILER-DAEMON@" + parts.sender_domain + " (Mail Delivery System)\r\n";
    put_field(out, "Subject", words_for(parts.kind).subject);
    put_field(out, "To", parts.to);
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

bool wants_notice(const spool::Recipient& recipient, NoticeKind kind) {
    switch (kind) {
        case NoticeKind::failure:
            return recipient.notify == 0 || (recipient.notify & spool::notify_failure);
        case NoticeKind::delay:
            return recipient.notify == 0 || (recipient.notify & spool::notify_delay);
        case NoticeKind::success:
            return recipient.notify & spool::notify_success;
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
    std::string open = "\r\n--" + boundary + "\r\n";
    std::string out;
    put_header(out, parts, boundary);
    out += "This is a MIME-encapsulated message.\r\n";
    out += open;
    put_text_part(out, parts);
    out += open;
    put_status_part(out, parts);
    out += open;
    // RFC 3462 section 2: the message, or its header.
    out += parts.header_only ? "Content-Description: Undelivered Message Headers\r\n"
                               "Content-Type: text/rfc822-headers\r\n"
                             : "Content-Description: Undelivered Message\r\n"
                               "Content-Type: message/rfc822\r\n";
    if (!is_ascii(parts.returned)) out += "Content-Transfer-Encoding: 8bit\r\n";
    out += "\r\n";
    out += parts.returned;
    out += "\r\n--" + boundary + "--\r\n";
    return out;
}

}  // namespace facteur::qmgr
