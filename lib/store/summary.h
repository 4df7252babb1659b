#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mime/part.h"

namespace facteur::store {

/// What SORT and THREAD compare (RFC 5256).
struct SortKeys {
    std::optional<std::int64_t> sent;  ///< the Date field, in UTC; nothing when it is not valid
    std::string subject;               ///< the base subject, folded
    bool is_reply = false;             ///< the subject lost something of a reply
    /// Eight bytes for each message id, equal where the ids are: of Message-ID (zeros without
    /// one), then of what is referred to, the oldest first.
    std::string ids;
};

/// Computed once, at delivery.
struct Summary {
    mime::Part structure;
    /// The raw header fields that clients ask for (kSummaryFields), in the message's order:
    /// enough for ENVELOPE and for most BODY[HEADER.FIELDS (…)].
    std::string fields;
    std::string preview;         ///< RFC 8970: at most 200 characters of the text, UTF-8
    std::string envelope;        ///< ENVELOPE as it goes to the client (RFC 3501 section 7.4.2)
    std::string body_structure;  ///< BODYSTRUCTURE likewise
    /// SHA-256 of the message, its first half.
    std::string digest;
    SortKeys keys;
};
/// Summary::digest of a message.
std::string message_digest(std::string_view message);

/// Some of kSummaryFields.
using FieldSet = std::uint64_t;

/// True when Summary::fields tells everything about all these fields.
bool summary_has(const std::vector<std::string>& names);
/// These fields as a set; nothing when one of them is not in the summary.
std::optional<FieldSet> summary_fields(const std::vector<std::string>& names);

/// A Summary where it is kept, without a copy.
struct SummaryView {
    std::optional<std::int64_t> sent;
    bool is_reply = false;
    std::string_view subject, ids, fields, preview, digest, envelope, body_structure;
    std::string_view table;  ///< which field stands where in `fields`
    std::string_view tree;   ///< the encoded structure

    /// The raw fields of the set, in the message's order.
    void append_fields(std::string& out, FieldSet set) const;
};

}  // namespace facteur::store
