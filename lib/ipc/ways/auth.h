#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/codec.h"

/// The ways to authd (service `auth`): SASL, users, TLS certificates and signatures.
namespace facteur::ipc {

/// -> authd, from whoever needs them: which SASL mechanisms are there.
struct SaslMechanismsReply {
    std::vector<std::string> names;  ///< "PLAIN", "LOGIN"; those of `auth_mechanisms`

    static constexpr std::string_view kName = "sasl-mechanisms-reply";
    static constexpr auto fields() {
        using M = SaslMechanismsReply;
        return std::tuple{Field{"names", &M::names}};
    }
    bool operator==(const SaslMechanismsReply&) const = default;
};
struct SaslMechanisms {
    std::string service;  ///< "smtp", "imap", "pop3"

    using Reply = SaslMechanismsReply;
    static constexpr std::string_view kName = "sasl-mechanisms";
    static constexpr auto fields() {
        using M = SaslMechanisms;
        return std::tuple{Field{"service", &M::service}};
    }
    bool operator==(const SaslMechanisms&) const = default;
};

enum class SaslOutcome : std::uint8_t {
    more,       ///< `challenge` goes to the client, its response comes back with a SaslStep
    accepted,   ///< `user` is who it is
    rejected,   ///< wrong user or password, or not allowed; the client hears no difference
    temporary,  ///< could not be decided; `reason` says why
    malformed,  ///< a response that breaks the mechanism's rules
    unknown_mechanism,
};

/// Answers SaslStart and SaslStep.
struct SaslReply {
    SaslOutcome outcome = SaslOutcome::rejected;
    std::uint64_t exchange = 0;  ///< for the next SaslStep of a `more`
    std::string challenge;       ///< not in base64
    std::string user;            ///< accepted: the name in the form that lookups want
    std::string login;           ///< what the client called itself, for the log
    std::string reason;          ///< for the log, never for the client

    static constexpr std::string_view kName = "sasl-reply";
    static constexpr auto fields() {
        using M = SaslReply;
        return std::tuple{
            Field{"outcome", &M::outcome},           Field{"exchange", &M::exchange, true},
            Field{"challenge", &M::challenge, true}, Field{"user", &M::user, true},
            Field{"login", &M::login, true},         Field{"reason", &M::reason, true}};
    }
    bool operator==(const SaslReply&) const = default;
};

/// smtpd, imapd, pop3d -> authd: a client begins to authenticate.  USER/PASS and LOGIN commands
/// come as mechanism PLAIN.  The answer to a failure waits auth_failure_delay.
struct SaslStart {
    std::string mechanism;
    std::string service;         ///< "smtp", "imap", "pop3": PAM and allow rules see it
    std::string client_address;  ///< "192.0.2.1"
    bool tls = false;
    bool has_response = false;  ///< an initial response came, maybe an empty one
    std::string response;       ///< not in base64

    using Reply = SaslReply;
    static constexpr std::string_view kName = "sasl-start";
    static constexpr auto fields() {
        using M = SaslStart;
        return std::tuple{
            Field{"mechanism", &M::mechanism},           Field{"service", &M::service},
            Field{"client_address", &M::client_address}, Field{"tls", &M::tls},
            Field{"has_response", &M::has_response},     Field{"response", &M::response}};
    }
    bool operator==(const SaslStart&) const = default;
};

/// The client's response to a challenge.  An exchange belongs to the connection that began it; a
/// step on another one (authd was restarted) is answered with `temporary`.
struct SaslStep {
    std::uint64_t exchange = 0;
    std::string response;  ///< not in base64
    bool abort = false;    ///< the client sent "*", or went away: forget the exchange

    using Reply = SaslReply;
    static constexpr std::string_view kName = "sasl-step";
    static constexpr auto fields() {
        using M = SaslStep;
        return std::tuple{Field{"exchange", &M::exchange}, Field{"response", &M::response, true},
                          Field{"abort", &M::abort, true}};
    }
    bool operator==(const SaslStep&) const = default;
};

struct RecentLoginReply {
    bool recent = false;

    static constexpr std::string_view kName = "recent-login-reply";
    static constexpr auto fields() {
        using M = RecentLoginReply;
        return std::tuple{Field{"recent", &M::recent}};
    }
    bool operator==(const RecentLoginReply&) const = default;
};
/// smtpd -> authd: did somebody read his mail from this address, over IMAP or POP3, within
/// pop_before_smtp_time?
struct RecentLogin {
    std::string client_address;

    using Reply = RecentLoginReply;
    static constexpr std::string_view kName = "recent-login";
    static constexpr auto fields() {
        using M = RecentLogin;
        return std::tuple{Field{"client_address", &M::client_address}};
    }
    bool operator==(const RecentLogin&) const = default;
};

/// Where a user's mail is and whose it is.
struct UserReply {
    bool found = false;
    std::string user;  ///< in the form of the databases: lower case, with its domain if it has one
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string home;                ///< absolute
    std::string mail;                ///< "maildir:/home/u/Maildir": ~, %u, %n, %d, %h are expanded
    std::vector<std::string> extra;  ///< other userdb fields, "quota_rule=*:storage=1G"

    static constexpr std::string_view kName = "user-reply";
    static constexpr auto fields() {
        using M = UserReply;
        return std::tuple{Field{"found", &M::found},     Field{"user", &M::user, true},
                          Field{"uid", &M::uid, true},   Field{"gid", &M::gid, true},
                          Field{"home", &M::home, true}, Field{"mail", &M::mail, true},
                          Field{"extra", &M::extra}};
    }
    bool operator==(const UserReply&) const = default;
};
/// lmtp-local, imapd, pop3d, addressd -> authd: a user by name.  A failure to look is an Error.
struct UserLookup {
    std::string user;     ///< "tim" or "tim@example.org"
    std::string service;  ///< "lmtp", "imap", "pop3", "address"

    using Reply = UserReply;
    static constexpr std::string_view kName = "user-lookup";
    static constexpr auto fields() {
        using M = UserLookup;
        return std::tuple{Field{"user", &M::user}, Field{"service", &M::service}};
    }
    bool operator==(const UserLookup&) const = default;
};

/// The public half of what a TLS server shows; the private keys stay in authd.
struct CertificatesReply {
    std::vector<std::string> chains;  ///< PEM, leaf first; empty: no certificate is configured
    std::string ticket_keys;          ///< 80 bytes, the same for all workers of all services

    static constexpr std::string_view kName = "certificates-reply";
    static constexpr auto fields() {
        using M = CertificatesReply;
        return std::tuple{Field{"chains", &M::chains}, Field{"ticket_keys", &M::ticket_keys, true}};
    }
    bool operator==(const CertificatesReply&) const = default;
};
struct Certificates {
    /// "smtp", "imap", "pop3": the parameters NAMEd_tls_*; "smtp-client": smtp_tls_*.
    std::string service;

    using Reply = CertificatesReply;
    static constexpr std::string_view kName = "certificates";
    static constexpr auto fields() {
        using M = Certificates;
        return std::tuple{Field{"service", &M::service}};
    }
    bool operator==(const Certificates&) const = default;
};

struct SignatureReply {
    std::string signature;

    static constexpr std::string_view kName = "signature-reply";
    static constexpr auto fields() {
        using M = SignatureReply;
        return std::tuple{Field{"signature", &M::signature}};
    }
    bool operator==(const SignatureReply&) const = default;
};
/// smtpd, imapd, pop3d -> authd: sign the transcript of a handshake.  authd signs for nobody else,
/// and never decrypts.
struct Signature {
    std::string key;      ///< SHA-256 of the SubjectPublicKeyInfo, lower-case hex
    std::string scheme;   ///< RFC 8446 section 4.2.3: "ecdsa_secp256r1_sha256"
    std::string content;  ///< before hashing

    using Reply = SignatureReply;
    static constexpr std::string_view kName = "signature";
    static constexpr auto fields() {
        using M = Signature;
        return std::tuple{Field{"key", &M::key}, Field{"scheme", &M::scheme},
                          Field{"content", &M::content}};
    }
    bool operator==(const Signature&) const = default;
};

}  // namespace facteur::ipc
