#pragma once

#include <expected>
#include <string>

#include "lib/smtp/reply.h"
#include "smtp-client/targets.h"

namespace facteur::smtp_client {

/// Why mail was not taken: what goes to the log, to the history of the message and into a bounce.
struct Trouble {
    bool permanent = false;
    std::string status;      ///< "5.1.1"
    std::string text;        ///< "host mx[192.0.2.1] said: 550 … (in reply to RCPT TO command)"
    std::string remote_mta;  ///< "dns; mx.example.com"; empty when nobody was reached
    std::string diagnostic;  ///< "smtp; 550 …": only what the server said itself
    /// The server refused us for our address, not for the message (RFC 7372 section 3.2 and what
    /// servers write).
    bool blames_our_address() const;
    bool too_many = false;    ///< recipients for one transaction (RFC 5321 section 4.5.3.1.10)
    bool tls = false;         ///< the TLS handshake failed: in plain text it may work
    bool elsewhere = false;   ///< permanent here, but another server may take it
    std::string tls_failure;  ///< RFC 8460 section 4.3: "starttls-not-supported"
};
using Attempt = std::expected<void, Trouble>;

/// The server refused: "host … said: … (in reply to COMMAND)".
Trouble refused(const Target& target, const smtp::Reply& reply, std::string_view command);
/// It does not even greet us: "host … refused to talk to me: …"; always temporary unless told.
Trouble unwelcome(const Target& target, const smtp::Reply& reply, bool permanent);
/// The connection went away or timed out: "lost connection with … while …".
Trouble interrupted(const Target& target, bool timed_out, std::string_view doing);
/// Our own judgement about this server.
Trouble unfit(const Target& target, bool permanent, std::string status, std::string text);
/// It was no use to log in: "SASL authentication failed; …", temporary.
Trouble login_failed(const Target& target, std::string text);
/// The server refused the password; temporary when `soft`.
Trouble login_refused(const Target& target, const smtp::Reply& reply, bool soft);
/// Nobody was reached.
Trouble unreached(const Error& error);

}  // namespace facteur::smtp_client
