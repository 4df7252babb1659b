#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/store/exchange/imap_source.h"

/// What an IMAP server says, taken apart for ImapSource.
namespace facteur::store::exchange {

/// "… {123}" and "… {123+}": the number of bytes that follow.
std::optional<std::uint64_t> literal_at_end(std::string_view line);
std::string percent_decode(std::string_view text);

/// LIST and LSUB: names with "/" between the levels.
Task<Result<void>> hear_listed(std::vector<ImapItem> items, std::vector<SourceMailbox>& out,
                               std::vector<std::string>& subscribed);
/// SEARCH.
Task<Result<void>> hear_search(std::vector<ImapItem> items, std::vector<std::uint32_t>& out);
/// EXISTS, UIDVALIDITY, UIDNEXT.
Task<Result<void>> hear_selected(std::vector<ImapItem> items, SourceMailbox& mailbox);
/// FETCH with UID, FLAGS, INTERNALDATE and BODY[].
Task<Result<void>> hear_message(std::vector<ImapItem> items, const Take& take);

/// RFC 3501 section 9, date-time: " 1-Jan-2024 00:00:00 +0100".
std::optional<std::int64_t> parse_internal_date(std::string_view text);

}  // namespace facteur::store::exchange
