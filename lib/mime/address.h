#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace facteur::mime {

/// One element of an address list, in the form of ENVELOPE (RFC 3501 section 7.4.2): a group
/// starts with an element that has only `mailbox` (its name) and ends with one that has nothing.
struct Address {
    enum class Kind { mailbox, group_start, group_end };
    Kind kind = Kind::mailbox;
    std::string name;     ///< display name or comment, quotes removed, encoded words kept
    std::string route;    ///< "@a,@b", obsolete source route
    std::string mailbox;  ///< local part, quotes removed; or the group's name
    std::string host;
    bool operator==(const Address&) const = default;
};

/// RFC 5322 section 3.4 and its obsolete forms, tolerant: what cannot be understood is kept as
/// well as possible and the rest goes on.  At most `limit` elements.
std::vector<Address> parse_addresses(std::string_view value, std::size_t limit = 10000);

}  // namespace facteur::mime
