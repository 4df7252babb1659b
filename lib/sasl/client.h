#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace facteur::sasl {

/// Who logs in.
struct Credentials {
    std::string user;
    std::string password;
    /// OAuth 2.0 access token (RFC 6750); empty: the password is one, where a mechanism wants it.
    std::string token;
};

/// What a mechanism may have to know of the connection.
struct ClientConnection {
    std::string host;        ///< the server's name: OAUTHBEARER sends it
    std::uint16_t port = 0;  ///< likewise
    /// RFC 9266 "tls-exporter" data; empty: there is none, and no -PLUS mechanism.
    std::string tls_exporter;
    /// The server offers the -PLUS form, too, but it was not chosen by the administrator.
    bool plus_left_out = false;
    /// Tests only; empty: a fresh one.
    std::string nonce;
};

/// Client side of one exchange: one response a challenge, no input or output.
class ClientMechanism {
public:
    virtual ~ClientMechanism() = default;
    /// What goes out with the command; nothing when the server speaks first.
    virtual std::optional<std::string> initial_response() = 0;
    /// An Error ends the exchange: the server does not keep to the mechanism, or does not know the
    /// password itself.
    virtual Result<std::string> respond(std::string_view challenge) = 0;
    /// False: the server has not proved yet what it must prove; its "yes" is not to be believed.
    virtual bool finished() const { return true; }
};

/// What a mechanism withstands: the words of smtp_sasl_security_options, as bits.
enum Security : std::uint8_t {
    noplaintext = 1,   ///< the password cannot be read from what is sent
    noactive = 2,      ///< somebody in the middle gets nothing
    nodictionary = 4,  ///< what is sent cannot be tried against a dictionary
    noanonymous = 8,
    mutual_auth = 16,  ///< the server proves that it knows the password
};
/// nullopt: no such word.
std::optional<std::uint8_t> security_option(std::string_view word);

/// All that make_client() makes, best first.
std::vector<std::string> known_mechanisms();

/// The mechanisms that we speak among `offered`, best first.  `needed`: Security bits that each
/// must have.  With a token, those that send it; otherwise those that send it come last.
std::vector<std::string> usable_mechanisms(const std::vector<std::string>& offered,
                                           const Credentials& who,
                                           const ClientConnection& connection, std::uint8_t needed);

/// nullptr when there is no such mechanism, or the credentials cannot be said in it (a NUL, or too
/// long).  Names are case-insensitive.
std::unique_ptr<ClientMechanism> make_client(std::string_view mechanism, const Credentials& who,
                                             const ClientConnection& connection);

}  // namespace facteur::sasl
