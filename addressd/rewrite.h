#pragma once

#include <string>
#include <string_view>

#include "addressd/settings.h"

namespace facteur::addressd {

/// An address in the standard form user@fully.qualified.domain, as Postfix's trivial-rewrite makes
/// it: source routes are dropped, site!user and user%site become user@site where the settings say
/// so, @$myorigin and .$mydomain are appended, a dot at the end is removed.  The null address
/// becomes $empty_address_recipient when it is a recipient.
std::string rewrite(std::string_view address, const Settings& settings);
/// The same with another domain than $myorigin and $mydomain.
std::string rewrite(std::string_view address, const Settings& settings, const std::string& origin,
                    const std::string& domain);

/// masquerade_domains: user@host.example.com becomes user@example.com, unless the user or the host
/// is excepted.
std::string masqueraded(std::string address, const Settings& settings);

/// The position of the '@' before the domain; npos when there is none.
inline std::size_t at_sign(std::string_view address) {
    return address.rfind('@');
}
inline std::string_view domain_of(std::string_view address) {
    const auto at = at_sign(address);
    return at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}
inline std::string_view local_part_of(std::string_view address) {
    return address.substr(0, at_sign(address));
}

}  // namespace facteur::addressd
