#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/imap/scanner.h"

namespace facteur::imap {

/// RFC 3501 section 6.4.6: what STORE does with the flags.
struct StoreArguments {
    enum class Mode { replace, add, remove };
    Mode mode = Mode::replace;
    bool silent = false;
    std::optional<std::uint64_t> unchanged_since;  ///< RFC 7162 section 3.1.3
    FlagList flags;
};
/// The scanner stands behind the sequence set and its space.
Result<StoreArguments> parse_store(Scanner& scanner);

/// RFC 7162 section 3.2.5: what a client knew of the mailbox when it left.
struct Resync {
    std::uint32_t uid_validity = 0;
    std::uint64_t modseq = 0;
    std::optional<SequenceSet> known_uids;
    /// Sequence numbers and the UIDs that belonged to them, as many.
    std::optional<SequenceSet> match_sequences;
    std::optional<SequenceSet> match_uids;
};
/// RFC 4466 section 2.4: what may stand behind the name in SELECT and EXAMINE.
struct SelectParameters {
    bool condstore = false;
    std::optional<Resync> resync;
};
/// At the end of the command, or at the space before the parameters.
Result<SelectParameters> parse_select_parameters(Scanner& scanner);

/// RFC 6154 section 3: behind the name in CREATE, "(USE (\Drafts))"; nothing when there is none.
Result<std::vector<std::string>> parse_create_use(Scanner& scanner);

/// RFC 5161 section 3.1: at least one name, in upper case; at most 30.
Result<std::vector<std::string>> parse_enable(Scanner& scanner);

/// RFC 3501 section 6.3.10, as bits in the order in which they are answered.
enum StatusItem : unsigned {
    status_messages = 1,
    status_recent = 2,
    status_uid_next = 4,
    status_uid_validity = 8,
    status_unseen = 16,
    status_highest_modseq = 32,     ///< RFC 7162 section 3.1.7
    status_size = 64,               ///< RFC 8438 section 2
    status_deleted = 128,           ///< RFC 9051 section 6.3.11
    status_append_limit = 256,      ///< RFC 7889 section 3
    status_mailbox_id = 512,        ///< RFC 8474 section 4.3
    status_deleted_storage = 1024,  ///< RFC 9208 section 4.2
};
Result<unsigned> parse_status_items(Scanner& scanner);

/// RFC 2971 section 3.1: NIL or a list of at most 30 fields and values.
Result<std::vector<std::pair<std::string, std::string>>> parse_id(Scanner& scanner);

}  // namespace facteur::imap
