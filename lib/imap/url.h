#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/imap/fetch.h"

namespace facteur::imap {

/// RFC 5092 section 6: an IMAP URL of one message, or of a piece of it.
struct MessageUrl {
    std::string host;     ///< empty: this server
    std::string mailbox;  ///< UTF-8
    std::optional<std::uint32_t> uid_validity;
    std::uint32_t uid = 0;
    Section section;
    std::optional<Partial> partial;
};
/// "/Drafts;UIDVALIDITY=385759045/;UID=20/;SECTION=1.2", or with "imap://host" before it.
Result<MessageUrl> parse_message_url(std::string_view url);

}  // namespace facteur::imap
