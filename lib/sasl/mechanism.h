#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace facteur::sasl {

/// The server's next words to the client, not yet in base64.
struct Challenge {
    std::string text;
};
/// The mechanism has what it wants: decide on this, then the exchange is over.
struct CheckPassword {
    std::string authorization;  ///< whom the client wants to be; empty: the same as user
    std::string user;
    std::string password;
};
/// The client does not keep to the mechanism; `why` is for the log.
struct Malformed {
    std::string why;
};
using ServerStep = std::variant<Challenge, CheckPassword, Malformed>;

/// Server side of one authentication exchange: bytes in, the next step out, no input or output.
/// A mechanism that works on stored secrets adds its own question to ServerStep.
class ServerMechanism {
public:
    virtual ~ServerMechanism() = default;
    /// The first call has no response when the client sent no initial one (RFC 4422 section 5).
    virtual ServerStep step(std::optional<std::string_view> response) = 0;
};

/// Nothing when there is no such mechanism; names are case-insensitive.
std::unique_ptr<ServerMechanism> make_server(std::string_view mechanism);

/// Longest user name or password that is accepted: RFC 4616 section 2 asks for at least 255.
inline constexpr std::size_t kMaxField = 1024;

}  // namespace facteur::sasl
