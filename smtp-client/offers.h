#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::smtp_client {

/// What a server offers in its answer to EHLO or LHLO (RFC 5321 section 4.1.1.1).
struct Offers {
    bool pipelining = false;
    bool size = false;
    std::uint64_t size_limit = 0;  ///< 0: none told
    bool eight_bit_mime = false;
    bool chunking = false;
    bool enhanced_status = false;
    bool dsn = false;
    bool smtputf8 = false;
    bool starttls = false;
    bool mt_priority = false;
    bool deliver_by = false;
    std::uint64_t least_time = 0;  ///< DELIVERBY: for mail that is to be returned, in seconds
    bool requiretls = false;
    std::vector<std::string> auth;      ///< mechanisms, upper case
    std::vector<std::string> xforward;  ///< attributes, upper case: Postfix's XFORWARD
    // RFC 9422 section 4; 0: no limit told.
    std::uint64_t most_recipients = 0;  ///< RCPTMAX
    std::uint64_t most_domains = 0;     ///< RCPTDOMAINMAX
    std::uint64_t most_messages = 0;    ///< MAILMAX

    /// `text`: the lines of the reply, separated by '\n'; `discard`: keywords to overlook.
    static Offers parse(std::string_view text, const std::vector<std::string>& discard);
};

}  // namespace facteur::smtp_client
