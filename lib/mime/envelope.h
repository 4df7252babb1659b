#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mime/address.h"

namespace facteur::mime {

/// ENVELOPE of RFC 3501 section 7.4.2.  Strings are unfolded, encoded words are kept; a field
/// that is missing is nothing (NIL on the wire).
struct Envelope {
    std::optional<std::string> date;
    std::optional<std::string> subject;
    std::vector<Address> from, sender, reply_to;  ///< sender and reply_to default to from
    std::vector<Address> to, cc, bcc;
    std::optional<std::string> in_reply_to;
    std::optional<std::string> message_id;
};

/// From a header, or from a part of one that holds these fields.
Envelope parse_envelope(std::string_view header);

}  // namespace facteur::mime
