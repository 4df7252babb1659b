#pragma once

#include <string>
#include <string_view>

#include "lib/imap/scanner.h"

namespace facteur::imap {

/// RFC 4314 section 2.1, in its order.
constexpr std::string_view kRights = "lrswipkxtea";

/// With the obsolete "c" and "d" where old clients look for them (RFC 4314 section 2.1.1).
std::string told_rights(std::string_view rights);

struct AclModification {
    std::string identifier;
    char sign = '\0';    ///< '+' or '-'; otherwise the rights replace those that were there
    std::string rights;  ///< letters of kRights, in its order
};
/// What stands behind the mailbox in SETACL or, without rights, in DELETEACL.
Result<AclModification> parse_acl_change(Scanner& scanner, bool is_deletion);

}  // namespace facteur::imap
