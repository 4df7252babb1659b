#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lib/imap/fetch.h"
#include "lib/mime/envelope.h"
#include "lib/mime/part.h"

namespace facteur::imap {

/// RFC 3501 section 7.4.2 ENVELOPE, the parenthesised list alone.
void append_envelope(std::string& out, const mime::Envelope& envelope);

/// Reads bytes of the message: the header of a message/rfc822 part, for its envelope.
using HeaderSource = std::function<std::string(std::uint64_t offset, std::uint64_t size)>;

/// RFC 3501 section 7.4.2 BODY, or BODYSTRUCTURE with its extension data.
void append_body_structure(std::string& out, const mime::Part& part, bool extended,
                           const HeaderSource& header);
/// Somewhere inside is a message/rfc822, so that append_body_structure() will ask for headers.
bool has_message(const mime::Part& part);

/// Bytes of the message, from its start.
struct Span {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    bool operator==(const Span&) const = default;
};
/// The part of that number; nullptr when there is none.  No numbers: nullptr too.
const mime::Part* find_part(const mime::Part& root, const std::vector<std::uint32_t>& numbers);
/// Where a section stands (RFC 3501 section 6.4.5); of HEADER.FIELDS the header to choose from.
/// Nothing when the message has no such part.
std::optional<Span> locate(const mime::Part& root, std::uint64_t message_size,
                           const Section& section);

}  // namespace facteur::imap
