#pragma once

#include <string_view>

/// The EHLO keywords that Facteur knows, as server or as client: each is written once, here.
namespace facteur::smtp::ehlo {

inline constexpr std::string_view kPipelining = "PIPELINING";               // RFC 2920
inline constexpr std::string_view kSize = "SIZE";                           // RFC 1870
inline constexpr std::string_view kEightBitMime = "8BITMIME";               // RFC 6152
inline constexpr std::string_view kChunking = "CHUNKING";                   // RFC 3030
inline constexpr std::string_view kEnhancedStatus = "ENHANCEDSTATUSCODES";  // RFC 2034
inline constexpr std::string_view kDsn = "DSN";                             // RFC 3461
inline constexpr std::string_view kSmtpUtf8 = "SMTPUTF8";                   // RFC 6531
inline constexpr std::string_view kStartTls = "STARTTLS";                   // RFC 3207
inline constexpr std::string_view kRequireTls = "REQUIRETLS";               // RFC 8689
inline constexpr std::string_view kAuth = "AUTH";                           // RFC 4954
inline constexpr std::string_view kMtPriority = "MT-PRIORITY";              // RFC 6710
inline constexpr std::string_view kDeliverBy = "DELIVERBY";                 // RFC 2852
inline constexpr std::string_view kFutureRelease = "FUTURERELEASE";         // RFC 4865
inline constexpr std::string_view kVrfy = "VRFY";                           // RFC 5321 section 3.5
inline constexpr std::string_view kExpn = "EXPN";                           // RFC 5321 section 3.5
inline constexpr std::string_view kEtrn = "ETRN";                           // RFC 1985
inline constexpr std::string_view kLimits = "LIMITS";                       // RFC 9422
inline constexpr std::string_view kHelp = "HELP";  // RFC 5321 section 4.1.1.8

}  // namespace facteur::smtp::ehlo
