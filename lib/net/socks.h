#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/event/task.h"
#include "lib/net/address.h"

namespace facteur {
class Stream;
}

/// SOCKS version 5, client side (RFC 1928, RFC 1929).
namespace facteur::socks {

/// Each at most 255 bytes.
struct Login {
    std::string user;
    std::string password;
};

/// The methods that we offer (RFC 1928 section 3): none, and user and password when we have them.
std::string greeting(bool has_login);
/// What the proxy chose; true: it wants the login.
Result<bool> parse_choice(std::string_view two_bytes, bool has_login);
/// RFC 1929 section 2.
std::string login_request(const Login& login);
Result<void> parse_login_reply(std::string_view two_bytes);
/// RFC 1928 section 4, CONNECT to an IPv4 or IPv6 address.
std::string connect_request(const Address& target);
/// How long the reply is whose first five bytes these are (RFC 1928 section 6).
Result<std::size_t> reply_size(std::string_view first_five);
/// "SOCKS: Connection refused": what the proxy says became of the connection.
Result<void> parse_reply(std::string_view reply);

/// Has the proxy at the other end connect to `target`; after that the stream is the connection.
/// Throws as streams do.
Task<Result<void>> connect_through(Stream& stream, Address target, std::optional<Login> login);

}  // namespace facteur::socks
