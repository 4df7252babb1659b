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
/// RFC 6152, RFC 3030.
enum class Body : std::uint8_t { seven_bit, eight_bit_mime, binary_mime };

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
