#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::smtp {

/// RFC 5321 section 4.5.3.1.1 asks for 64 octets; VERP and SRS senders in the wild go far beyond,
/// so more is accepted.  The whole path stays bounded.
constexpr std::size_t kMaxPath = 1000;

/// RFC 5321 section 4.1.2 "Mailbox".  The local part is unquoted: `"a b"@c` has `a b`.
struct Mailbox {
    std::string local;
    std::string domain;  ///< as written, literals with their brackets; empty: there is none

    /// The reverse path "<>" (RFC 5321 section 4.5.5).
    bool is_null() const { return local.empty() && domain.empty(); }
    /// How the daemons hand addresses to each other and look them up: unquoted "local@domain".
    std::string internal() const;
    /// How the protocol writes them: the local part quoted when it needs to be.
    std::string external() const;
    bool operator==(const Mailbox&) const = default;
};

struct AddressRules {
    /// RFC 6531: non-ASCII in the local part and in the domain.
    bool utf8 = false;
    /// RFC 5321 to the letter: angle brackets, no space before them (strict_rfc821_envelopes).
    bool strict = false;
    /// A local part alone is accepted.  "postmaster" always is (RFC 5321 section 4.1.1.3).
    bool local_alone = true;
};

/// A mailbox without angle brackets; errors are permanent with status 5.1.3.
Result<Mailbox> parse_mailbox(std::string_view text, AddressRules rules = {});

/// Takes a path off the front of `text`: "<…>", or a bare address up to the next space unless
/// strict.  Source routes ("@a,@b:") are accepted and dropped (RFC 5321 appendix C).  "<>" gives
/// the null mailbox; whether that is allowed is the caller's to say.
Result<Mailbox> take_path(std::string_view& text, AddressRules rules = {});

/// Splits an internal address at its last '@'; the domain is empty when there is none.
Mailbox split_internal(std::string_view internal);

/// The local part as the protocol writes it: quoted unless it is a dot-string.
std::string quote_local(std::string_view local);
/// `a b@c` -> `"a b"@c`: what is sent, and what is logged between angle brackets.
std::string to_external(std::string_view internal);
/// `"a b"@c` -> `a b@c`; lenient, for text that was checked before.
std::string to_internal(std::string_view external);

}  // namespace facteur::smtp
