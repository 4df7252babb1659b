#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/event/scope.h"
#include "lib/ipc/ways/auth.h"
#include "lib/login/caller.h"
#include "lib/login/door.h"
#include "lib/net/stream.h"

namespace facteur::login {

/// One connection before its user is known: TLS, passwords, the way to the mailbox stage, and the
/// log lines, whatever the protocol.
class Visitor {
public:
    Visitor(Door& door, Scope& parent, Caller caller);

    Stream& stream() { return stream_; }
    bool has_tls() const { return stream_.tls() != nullptr; }
    /// TLS is configured and not there yet.
    Task<bool> offers_tls();
    /// TLS, or the client is on this host.
    bool is_secured() const;
    /// Passwords may be sent in the clear now (disable_plaintext_auth, *_tls_security_level).
    bool may_authenticate() const;
    /// A client tried what may_authenticate() forbids: for the log.
    void note_plaintext_attempt() { tried_plaintext_ = true; }

    /// False when the handshake failed; the connection is then over.
    Task<bool> start_tls();

    enum class Verdict { accepted, rejected, temporary, malformed, aborted };
    /// A whole SASL exchange, with challenges as "+ base64" lines (RFC 3501 section 6.2.2, RFC
    /// 5034 section 4).  initial: decoded initial response, if one came.
    Task<Verdict> authenticate(std::string mechanism, std::optional<std::string> initial);
    /// USER and PASS, or LOGIN.
    Task<Verdict> check(std::string user, std::string password);
    /// So many failures that the connection should end.
    bool has_failed_enough() const;

    struct Handed {
        bool accepted = false;
        bool is_over_limit = false;  ///< why not: the client has too many sessions
        std::string reason;          ///< why not, in words for the client
    };
    /// Gives the connection and what was read ahead to the mailbox stage, which answers `tag`.
    /// With TLS it returns only at the end of the session.
    Task<Handed> hand_over(std::string tag);

    /// The line for a connection that did not get through the door.
    void log_end(std::string_view why) const;

private:
    Task<ipc::SaslReply> exchange(ipc::SaslStart start);
    Task<ipc::SaslReply> ask_start(ipc::SaslStart start);
    Task<ipc::SaslReply> ask_step(std::uint64_t exchange, std::string response, bool abort);
    Task<Verdict> judge(ipc::SaslReply reply);
    ipc::SaslStart new_start(std::string mechanism) const;
    /// Everybody comes from this host to a webmail's users; one of them must not slow the others.
    bool has_penalty() const { return !peer_.is_loopback(); }
    std::string description() const;
    void log_login(std::uint32_t pid) const;

    Door& door_;
    Scope scope_;
    Stream stream_;
    Address peer_;  ///< the client, behind a proxy, too
    std::string session_id_;
    std::string remote_;
    std::string local_;
    std::string method_;
    std::string user_;
    TimePoint since_;
    std::string tls_failure_;
    int failures_ = 0;
    bool tried_plaintext_ = false;
    bool was_aborted_ = false;
};

}  // namespace facteur::login
