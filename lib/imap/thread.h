#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::imap {

/// What threading needs to know of one message.
struct ThreadMessage {
    std::uint32_t number = 0;             ///< as it is answered; higher arrived later
    std::string id;                       ///< of Message-ID, normalised; empty when there is none
    std::vector<std::string> references;  ///< oldest first
    std::int64_t date = 0;                ///< when it was sent
    std::string subject;                  ///< RFC 5256 section 2.1 base subject, ready to compare
    bool is_reply = false;
};

/// The message ids in the value of a Message-ID, References or In-Reply-To field, without "<" and
/// ">" and without what quotes and comments add: ids that mean the same are equal.
std::vector<std::string> message_ids(std::string_view value, std::size_t limit = 1000);

/// RFC 5256 section 3: the threads of a THREAD response, "(2)(3 6 (4 23)(44 7 96))".
std::string thread_by_subject(std::vector<ThreadMessage> messages);
std::string thread_by_references(const std::vector<ThreadMessage>& messages);
/// THREAD=REFS, as Dovecot and Cyrus have it: by references alone, whatever the subjects say, and
/// the conversation with the newest message last.  `date` is then the time of arrival.
std::string thread_by_refs(const std::vector<ThreadMessage>& messages);

}  // namespace facteur::imap
