#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/spool/queue_id.h"
#include "lib/spool/story.h"
#include "qmgr/template.h"

namespace facteur::qmgr {

/// What a delivery status notification tells (RFC 3464 section 2.3.3).
enum class NoticeKind { failure, delay, success, report };

/// Something to tell about a message.
struct Notice {
    spool::QueueId id;  ///< of the message that tells it
    NoticeKind kind = NoticeKind::failure;
    std::vector<std::size_t> recipients;  ///< of whom it tells
};

/// All that a notification is made of.
struct NoticeParts {
    NoticeKind kind = NoticeKind::failure;
    const Template* words = nullptr;
    bool for_postmaster = false;   ///< a copy that tells the postmaster what happens here
    std::string queue_id;          ///< of the message it is about
    std::string hostname;          ///< Reporting-MTA
    std::string mail_name;         ///< "Facteur"
    std::string sender_domain;     ///< for MAILER-DAEMON@ and the Message-Id
    std::string to;                ///< who receives it
    std::int64_t now = 0;          ///< seconds
    std::int64_t retry_until = 0;  ///< delay: when it is given up
    const spool::Story* story = nullptr;
    std::vector<std::size_t> recipients;  ///< of whom it tells
    std::string_view returned;            ///< the content, or its header when `header_only`
    bool header_only = false;
};

/// The content of the notification: multipart/report (RFC 6522) with a text for people,
/// message/delivery-status (RFC 3464) and what is returned.  CRLF line ends.
std::string make_notice(const NoticeParts& parts);

/// The header of a message with the empty line that ends it.
std::string_view header_of(std::string_view content);

/// A queue id for the copy of a notice that the postmaster gets: always the same for the same
/// notice, and no program makes such ids otherwise.
spool::QueueId copy_id(spool::QueueId notice);

/// Is this told by a notice of this kind?
bool tells(NoticeKind kind, const spool::Progress& progress);

/// RFC 3461 section 4.1: does the sender want to hear this about the recipient?
bool wants_notice(const spool::Recipient& recipient, NoticeKind kind);

/// Number of Received: fields: how many systems it has passed (RFC 5321 section 6.3).
std::size_t count_hops(std::string_view content, std::size_t limit);

}  // namespace facteur::qmgr
