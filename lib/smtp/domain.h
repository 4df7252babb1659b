#pragma once

#include <string_view>

namespace facteur::smtp {

constexpr std::size_t kMaxDomain = 255;  ///< RFC 5321 section 4.5.3.1.2
constexpr std::size_t kMaxLabel = 63;    ///< RFC 1035 section 2.3.4

/// RFC 5321 section 4.1.2 "Domain": labels of letters, digits and hyphens.  The underscore is
/// accepted, as Postfix does, because too many hosts have it in their names; a trailing dot is not.
/// With utf8, labels may be U-labels (RFC 6531 section 3.3): any well-formed non-ASCII UTF-8.
bool is_domain(std::string_view text, bool utf8 = false);

/// Digits and dots only: an address without its brackets, or nothing at all (RFC 3696 section 2).
bool is_numeric_name(std::string_view text);

/// RFC 5321 section 4.1.3, with its brackets: "[192.0.2.1]", "[IPv6:2001:db8::1]", "[tag:text]".
bool is_address_literal(std::string_view text);
/// The IP address inside "[192.0.2.1]" or "[IPv6:…]"; empty for anything else.
std::string_view literal_address(std::string_view text);

bool is_ipv4(std::string_view text);  ///< dotted quad, without leading zeros
bool is_ipv6(std::string_view text);  ///< RFC 4291 section 2.2, without a zone

/// What reject_non_fqdn_* asks for: a valid domain of at least two labels.
bool is_fqdn(std::string_view text, bool utf8 = false);

/// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates.
bool is_utf8(std::string_view text);
bool is_ascii(std::string_view text);

}  // namespace facteur::smtp
