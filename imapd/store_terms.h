#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/imap/flags.h"
#include "lib/store/store.h"

namespace facteur::imapd {

/// The protocol's flag bits as the store's and back; \Recent is not the store's.
store::Flags to_store_flags(std::uint8_t told);
std::uint8_t to_imap_flags(const store::Message& message);
/// RFC 7162 section 7: a mod-sequence is never 0, also while nothing has happened yet.
inline std::uint64_t told_modseq(std::uint64_t modseq) {
    return modseq == 0 ? 1 : modseq;
}
/// The message's keywords by name.
std::vector<std::string> keywords_of(const store::Message& message,
                                     const std::vector<std::string>& names);
/// RFC 3501 sections 6.3.11 and 6.4.7: a target that is not there is [TRYCREATE].
Error target_error(Error error);

}  // namespace facteur::imapd
