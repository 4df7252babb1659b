#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace facteur::spool {

/// RFC 3461 section 4.1, as bits; none of them set: the default of RFC 3461 section 4.1 (failures
/// and, where the administrator wants them, delays).
enum Notify : std::uint8_t {
    notify_never = 1,
    notify_success = 2,
    notify_failure = 4,
    notify_delay = 8
};
/// RFC 3461 section 4.3.
enum class Ret : std::uint8_t { unset, full, headers };
/// RFC 2852 section 4: what happens when the time is over; `none`: no DELIVERBY was asked for.
enum class ByMode : std::uint8_t { none, return_it, notify };
/// What the sender wants to hear of the delivery in any case: sendmail(1) -v and -bv.
enum class Report : std::uint8_t {
    none,
    attempt,  ///< how the first attempt went
    verify,   ///< how far it would come; nothing is delivered
};
/// RFC 6152, RFC 3030.
enum class Body : std::uint8_t { seven_bit, eight_bit_mime, binary_mime };

/// The protocol of a message that an alias, a ~/.forward or another part of the mail system sends
/// on: it came before, and has no copies now (always_bcc and the like).
inline constexpr const char* kForwarded = "forwarded";

struct Recipient {
    std::string address;
    std::string original;     ///< what the sender wrote, before aliases; empty: the same
    std::string orcpt;        ///< RFC 3461 section 4.2, with its type: "rfc822;a@b", decoded
    std::uint8_t notify = 0;  ///< Notify bits

    const std::string& written() const { return original.empty() ? address : original; }
    bool operator==(const Recipient&) const = default;
};

/// What is known of a message but its content.
struct Envelope {
    std::string sender;  ///< empty: the null reverse-path
    std::vector<Recipient> recipients;
    std::int64_t arrival = 0;  ///< microseconds since the epoch
    std::uint64_t size = 0;    ///< of the content as it is stored
    Body body = Body::seven_bit;
    bool smtputf8 = false;
    Ret ret = Ret::unset;
    std::string envid;  ///< RFC 3461 section 4.4, in xtext
    std::string client_name;
    std::string client_address;
    std::string helo;
    std::string protocol;  ///< "ESMTPS", or "local"
    std::string login;     ///< SASL user name; empty: not authenticated
    /// "transport:nexthop" by which all recipients go, wherever they are routed otherwise: a
    /// content filter, access(5) FILTER.  Without nexthop it is the recipient's domain.
    std::string filter;

    std::int8_t priority = 0;  ///< RFC 6710 section 4: -9 to 9
    ByMode by_mode = ByMode::none;
    bool by_trace = false;        ///< RFC 2852 section 4: tell of each relay
    std::int64_t deliver_by = 0;  ///< seconds since the epoch; counts unless by_mode is none
    std::int64_t release_at = 0;  ///< RFC 4865: not to be delivered before; seconds, 0: at once
    bool requiretls = false;      ///< RFC 8689 section 2
    bool tls_optional = false;    ///< RFC 8689 section 3: TLS-Required: No
    Report report = Report::none;
    bool unmapped = false;  ///< its addresses are only routed: no canonical, alias or BCC table

    bool operator==(const Envelope&) const = default;
};

/// Lines for people and for parse_envelope(): see lines.h.
std::string to_text(const Envelope& envelope);
/// Unknown keys are skipped: a later version may know more.
Result<Envelope> parse_envelope(std::string_view text);

/// The lines of one recipient, as they stand in an envelope and in a step that adds it.
void put_recipient(std::string& out, const Recipient& recipient);
/// Takes one of the lines that follow "recipient" into it; false when the key is none of them.
bool take_recipient_detail(Recipient& recipient, std::string_view key, const std::string& value);

std::string notify_text(std::uint8_t notify);  ///< "SUCCESS,FAILURE"; empty when unset
/// Nothing for what RFC 3461 section 4.1 does not allow.
Result<std::uint8_t> parse_notify(std::string_view text);

}  // namespace facteur::spool
