#pragma once

#include <string>
#include <string_view>

namespace facteur::authd {

/// What the variables of a template stand for, as in Dovecot.
struct Variables {
    std::string user;     ///< %u; %n is the part before the @, %d what is behind it
    std::string home;     ///< %h
    std::string service;  ///< %s
};

/// "%Lu", "/srv/mail/%d/%n": L and U change the case, %% is a percent sign, an unknown variable
/// becomes nothing.
std::string expand(std::string_view text, const Variables& variables);

/// May this be a user name at all: no control characters, no '/' and no ".." that a template
/// would carry into a path.
bool is_safe_user(std::string_view user);

/// `address` (an IP address) is in one of the networks "127.0.0.0/8,::1,192.0.2.7".
bool in_networks(std::string_view address, std::string_view networks);

}  // namespace facteur::authd
