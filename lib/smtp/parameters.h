#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::smtp {

enum class Body : std::uint8_t { unspecified, seven_bit, eight_bit_mime };  // RFC 6152 section 2
enum class Ret : std::uint8_t { unspecified, full, headers };               // RFC 3461 section 4.3

/// RFC 3461 section 4.1, as a set of bits.  0: the client said nothing.
namespace notify {
inline constexpr std::uint8_t kNever = 1;
inline constexpr std::uint8_t kSuccess = 2;
inline constexpr std::uint8_t kFailure = 4;
inline constexpr std::uint8_t kDelay = 8;
}  // namespace notify

/// RFC 2852 section 4: BY=seconds;N or R, and T.
struct DeliverBy {
    std::int64_t seconds = 0;
    bool returns = false;  ///< R: return it when the time is over; N: tell that it is late
    bool trace = false;    ///< T: tell of each relay
    bool operator==(const DeliverBy&) const = default;
};

/// What follows the path of MAIL.
struct MailParameters {
    std::optional<std::uint64_t> size;  ///< RFC 1870 section 3
    Body body = Body::unspecified;
    bool smtputf8 = false;            ///< RFC 6531 section 3.4
    bool requiretls = false;          ///< RFC 8689 section 2
    std::optional<std::string> auth;  ///< RFC 4954 section 5, decoded; "" for "<>"
    Ret ret = Ret::unspecified;
    std::string envid;                    ///< RFC 3461 section 4.4, still in xtext
    std::optional<std::int8_t> priority;  ///< RFC 6710 section 4.1.1: -9 to 9
    std::optional<DeliverBy> by;
    std::optional<std::int64_t> hold_for;    ///< RFC 4865 section 4.1: seconds
    std::optional<std::int64_t> hold_until;  ///< RFC 4865 section 4.2: seconds since the epoch
    bool operator==(const MailParameters&) const = default;
};

/// What follows the path of RCPT.
struct RcptParameters {
    std::uint8_t notify = 0;
    std::string orcpt;  ///< RFC 3461 section 4.2, "rfc822;user@host", decoded
    bool operator==(const RcptParameters&) const = default;
};

/// Which extensions were offered: a parameter of another one is refused (RFC 5321
/// section 4.1.1.11).
struct Offered {
    bool size = true;
    bool eight_bit_mime = true;
    bool smtputf8 = true;
    bool dsn = true;
    bool auth = true;
    bool mt_priority = false;
    bool deliver_by = false;
    bool future_release = false;
    bool requiretls = false;  ///< only inside TLS (RFC 8689 section 2)
};

/// Errors: 5.5.4 (status), with Postfix's wording.
Result<MailParameters> parse_mail_parameters(std::string_view text, Offered offered = {});
Result<RcptParameters> parse_rcpt_parameters(std::string_view text, Offered offered = {});

/// "2026-11-30T08:00:00Z" (RFC 3339 section 5.6, UTC only, as RFC 4865 section 4.2 wants it).
std::optional<std::int64_t> parse_utc_time(std::string_view text);
std::string utc_time_text(std::int64_t seconds);

/// " SIZE=1 BODY=8BITMIME …" with a leading space for each, "" for none: for the client.
std::string to_text(const MailParameters& parameters);
std::string to_text(const RcptParameters& parameters);

}  // namespace facteur::smtp
