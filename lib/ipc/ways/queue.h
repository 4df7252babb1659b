#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/rpc.h"

/// The ways to qmgr (service `queue`, from smtpd, lmtp-local and policyd; service `queue-admin`,
/// from the command-line tools).
namespace facteur::ipc {

struct SubmitRecipient {
    std::string address;
    std::string original;     ///< what the sender wrote, before aliases; empty: the same
    std::string orcpt;        ///< RFC 3461 section 4.2, "rfc822;a@b", decoded
    std::uint8_t notify = 0;  ///< bits as in lib/spool/envelope.h

    static constexpr auto fields() {
        using M = SubmitRecipient;
        return std::tuple{Field{"address", &M::address}, Field{"original", &M::original, true},
                          Field{"orcpt", &M::orcpt, true}, Field{"notify", &M::notify, true}};
    }
};

/// Takes responsibility for a message.  The answer means: on disk.  The queue id is made by the
/// sender of this request and makes it idempotent: a repeated Submit is answered with success.
/// Descriptor 0: the sealed content; none when it is in the file that Reserve gave.
struct Submit {
    std::string queue_id;
    std::string sender;
    std::vector<SubmitRecipient> recipients;
    std::int64_t arrival = 0;  ///< microseconds since the epoch
    std::uint64_t size = 0;    ///< of the content
    std::uint8_t body = 0;     ///< spool::Body
    bool smtputf8 = false;
    std::uint8_t ret = 0;  ///< spool::Ret
    std::string envid;     ///< xtext, as on the wire
    std::string client_name;
    std::string client_address;
    std::string helo;
    std::string protocol;
    std::string login;
    bool hold = false;
    std::string filter;           ///< access(5) FILTER: "transport:nexthop" for all recipients
    std::int8_t priority = 0;     ///< RFC 6710: -9 to 9
    std::uint8_t by_mode = 0;     ///< spool::ByMode
    bool by_trace = false;        ///< RFC 2852 section 4
    std::int64_t deliver_by = 0;  ///< seconds since the epoch, with by_mode
    std::int64_t release_at = 0;  ///< RFC 4865: not before; seconds since the epoch, 0: at once
    bool requiretls = false;      ///< RFC 8689 section 2
    bool tls_optional = false;    ///< RFC 8689 section 3: TLS-Required: No
    bool unmapped = false;        ///< no_address_mappings: its addresses stay as they are

    using Reply = Nothing;
    static constexpr std::string_view kName = "submit";
    static constexpr auto fields() {
        using M = Submit;
        return std::tuple{Field{"queue_id", &M::queue_id},
                          Field{"sender", &M::sender},
                          Field{"recipients", &M::recipients},
                          Field{"arrival", &M::arrival},
                          Field{"size", &M::size},
                          Field{"body", &M::body, true},
                          Field{"smtputf8", &M::smtputf8, true},
                          Field{"ret", &M::ret, true},
                          Field{"envid", &M::envid, true},
                          Field{"client_name", &M::client_name, true},
                          Field{"client_address", &M::client_address, true},
                          Field{"helo", &M::helo, true},
                          Field{"protocol", &M::protocol, true},
                          Field{"login", &M::login, true},
                          Field{"hold", &M::hold, true},
                          Field{"filter", &M::filter, true},
                          Field{"priority", &M::priority, true},
                          Field{"by_mode", &M::by_mode, true},
                          Field{"by_trace", &M::by_trace, true},
                          Field{"deliver_by", &M::deliver_by, true},
                          Field{"release_at", &M::release_at, true},
                          Field{"requiretls", &M::requiretls, true},
                          Field{"tls_optional", &M::tls_optional, true},
                          Field{"unmapped", &M::unmapped, true}};
    }
};

struct ReserveReply {
    std::uint64_t offset = 0;  ///< where in the file (descriptor 0) the content begins

    static constexpr auto fields() {
        using M = ReserveReply;
        return std::tuple{Field{"offset", &M::offset}};
    }
};
/// A file of the spool for a message past queue_journal_message_limit.  It goes away when the
/// connection that asked ends without a Submit.
struct Reserve {
    std::string queue_id;

    using Reply = ReserveReply;
    static constexpr std::string_view kName = "reserve";
    static constexpr auto fields() {
        using M = Reserve;
        return std::tuple{Field{"queue_id", &M::queue_id}};
    }
};

struct RoomReply {
    bool refused = false;  ///< no new mail now; `text` says why
    std::string text;
    std::uint64_t free = 0;  ///< bytes that a message may take

    static constexpr std::string_view kName = "room-reply";
    static constexpr auto fields() {
        using M = RoomReply;
        return std::tuple{Field{"refused", &M::refused}, Field{"text", &M::text},
                          Field{"free", &M::free}};
    }
};
/// Does the queue take new mail?  Asked before a message is received, so that a client hears of a
/// full or a slow disk before it sends anything.
struct Room {
    using Reply = RoomReply;
    static constexpr std::string_view kName = "room";
    static constexpr auto fields() { return std::tuple{}; }
};

/// How far mail for one address would come.
struct ProbeResult {
    std::string recipient;
    std::uint8_t outcome = 0;  ///< Outcome of delivery.h: delivered (deliverable), deferred, failed
    std::string status;        ///< RFC 3463
    std::string text;
    std::string remote;  ///< "dns; mx.example.com": who said it; empty: we ourselves

    static constexpr auto fields() {
        using M = ProbeResult;
        return std::tuple{Field{"recipient", &M::recipient}, Field{"outcome", &M::outcome},
                          Field{"status", &M::status}, Field{"text", &M::text},
                          Field{"remote", &M::remote, true}};
    }
};
struct ProbeReply {
    std::uint8_t outcome = 0;  ///< the best among the results
    std::string status;
    std::string text;
    std::vector<ProbeResult> results;  ///< of what the address stands for: an alias has members

    static constexpr std::string_view kName = "probe-reply";
    static constexpr auto fields() {
        using M = ProbeReply;
        return std::tuple{Field{"outcome", &M::outcome}, Field{"status", &M::status},
                          Field{"text", &M::text}, Field{"results", &M::results, true}};
    }
};
/// Would a message from this sender reach this recipient?  The address is resolved as for mail and
/// the delivery agent goes as far as it can without a message (Postfix's
/// ADDRESS_VERIFICATION_README).  Nothing is kept: who asks remembers the answer.
struct Probe {
    std::string sender;  ///< empty: the null reverse-path
    std::string recipient;
    bool smtputf8 = false;

    using Reply = ProbeReply;
    static constexpr std::string_view kName = "probe";
    static constexpr auto fields() {
        using M = Probe;
        return std::tuple{Field{"sender", &M::sender}, Field{"recipient", &M::recipient},
                          Field{"smtputf8", &M::smtputf8, true}};
    }
};

/// The message of a Reserve will not come: the client left.
struct Abandon {
    std::string queue_id;

    using Reply = Nothing;
    static constexpr std::string_view kName = "abandon";
    static constexpr auto fields() {
        using M = Abandon;
        return std::tuple{Field{"queue_id", &M::queue_id}};
    }
};

}  // namespace facteur::ipc
