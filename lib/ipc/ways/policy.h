#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/codec.h"
#include "lib/ipc/ways/queue.h"

/// The ways to policyd (service `policy`).
namespace facteur::ipc {

enum class Verdict : std::uint8_t {
    accept,
    reject,      ///< 5xx
    defer,       ///< 4xx
    discard,     ///< 250, and nobody gets it
    quarantine,  ///< accepted into the hold queue
};

/// Why policyd thinks so, in the words that the client hears.
struct PolicyReply {
    Verdict verdict = Verdict::accept;
    std::uint16_t code = 0;            ///< SMTP reply code; 0: 550, 450 or 421 as usual
    std::string status;                ///< "4.7.0"
    std::string text;                  ///< after the status
    std::vector<std::string> headers;  ///< to put on top of the content, without line ends

    static constexpr std::string_view kName = "policy-reply";
    static constexpr auto fields() {
        using M = PolicyReply;
        return std::tuple{Field{"verdict", &M::verdict}, Field{"code", &M::code, true},
                          Field{"status", &M::status, true}, Field{"text", &M::text, true},
                          Field{"headers", &M::headers}};
    }
    bool operator==(const PolicyReply&) const = default;
};

/// The moment in a session at which policyd is asked; each counts as one event of its kind.
enum class PolicyMoment : std::uint8_t {
    connect,    ///< before the greeting
    auth,       ///< AUTH
    mail,       ///< MAIL FROM
    recipient,  ///< RCPT TO
    starttls,   ///< STARTTLS: a new TLS session
};

/// smtpd -> policyd: may the session go on?
struct Ask {
    PolicyMoment moment = PolicyMoment::connect;
    std::string service;  ///< "smtp", "submission": master.cf's name
    std::string client_address;
    std::string client_name;
    std::string helo;
    std::string sender;
    std::string recipient;
    std::string login;  ///< SASL user; empty: not authenticated
    /// Who is counted: the client's address or the network that it is in; empty: nobody.
    std::string client_key;
    std::uint32_t rate_limit = 0;   ///< events of this moment per anvil_rate_time_unit; 0: none
    std::uint32_t count_limit = 0;  ///< connect: connections at a time; 0: none
    std::uint32_t connections = 0;  ///< connect: that the asking process has from there by now

    using Reply = PolicyReply;
    static constexpr std::string_view kName = "ask";
    static constexpr auto fields() {
        using M = Ask;
        return std::tuple{Field{"moment", &M::moment},
                          Field{"service", &M::service, true},
                          Field{"client_address", &M::client_address},
                          Field{"client_name", &M::client_name, true},
                          Field{"helo", &M::helo, true},
                          Field{"sender", &M::sender, true},
                          Field{"recipient", &M::recipient, true},
                          Field{"login", &M::login, true},
                          Field{"client_key", &M::client_key, true},
                          Field{"rate_limit", &M::rate_limit, true},
                          Field{"count_limit", &M::count_limit, true},
                          Field{"connections", &M::connections, true}};
    }
    bool operator==(const Ask&) const = default;
};

/// smtpd -> policyd: what about this message?  One descriptor: the content, read only.
struct Judge {
    std::string queue_id;
    std::string client_address;
    std::string client_name;
    std::string helo;
    std::string sender;
    std::vector<std::string> recipients;
    std::string login;
    std::uint64_t size = 0;

    using Reply = PolicyReply;
    static constexpr std::string_view kName = "judge";
    static constexpr auto fields() {
        using M = Judge;
        return std::tuple{Field{"queue_id", &M::queue_id},
                          Field{"client_address", &M::client_address},
                          Field{"client_name", &M::client_name, true},
                          Field{"helo", &M::helo, true},
                          Field{"sender", &M::sender},
                          Field{"recipients", &M::recipients},
                          Field{"login", &M::login, true},
                          Field{"size", &M::size, true}};
    }
    bool operator==(const Judge&) const = default;
};

/// What a policy server wants done: the right-hand side of an access table (access(5)).
struct DelegateReply {
    std::string action;

    static constexpr std::string_view kName = "delegate-reply";
    static constexpr auto fields() {
        using M = DelegateReply;
        return std::tuple{Field{"action", &M::action}};
    }
    bool operator==(const DelegateReply&) const = default;
};
/// smtpd -> policyd: ask a policy server (Postfix's SMTPD_POLICY_README).  Only servers that
/// main.cf or master.cf name are asked.  An Error: it could not be asked, or its answer is none.
struct Delegate {
    std::string server;                   ///< "inet:127.0.0.1:10023", "unix:private/policy"
    std::vector<std::string> attributes;  ///< "name=value", in their order
    std::uint32_t timeout = 100;          ///< seconds for one attempt
    std::uint32_t tries = 2;
    std::uint32_t retry_delay = 1;    ///< seconds
    std::uint32_t max_idle = 300;     ///< seconds that a connection may wait for another question
    std::uint32_t max_ttl = 1000;     ///< seconds that a connection may be used
    std::uint32_t request_limit = 0;  ///< questions over one connection; 0: no limit

    using Reply = DelegateReply;
    static constexpr std::string_view kName = "delegate";
    static constexpr auto fields() {
        using M = Delegate;
        return std::tuple{Field{"server", &M::server},
                          Field{"attributes", &M::attributes},
                          Field{"timeout", &M::timeout, true},
                          Field{"tries", &M::tries, true},
                          Field{"retry_delay", &M::retry_delay, true},
                          Field{"max_idle", &M::max_idle, true},
                          Field{"max_ttl", &M::max_ttl, true},
                          Field{"request_limit", &M::request_limit, true}};
    }
    bool operator==(const Delegate&) const = default;
};

/// How many connections one process has from a client.
struct ClientSessions {
    std::string client_key;
    std::uint32_t connections = 0;

    static constexpr auto fields() {
        using M = ClientSessions;
        return std::tuple{Field{"client_key", &M::client_key},
                          Field{"connections", &M::connections}};
    }
    bool operator==(const ClientSessions&) const = default;
};
struct SessionsReply {
    /// Another one than before: policyd is new, and must be told of all clients.
    std::uint64_t generation = 0;

    static constexpr std::string_view kName = "sessions-reply";
    static constexpr auto fields() {
        using M = SessionsReply;
        return std::tuple{Field{"generation", &M::generation}};
    }
    bool operator==(const SessionsReply&) const = default;
};
/// smtpd -> policyd: so many connections this process has now from these clients.  What a process
/// said is forgotten with its last connection to policyd.
struct Sessions {
    std::string service;
    std::vector<ClientSessions> clients;

    using Reply = SessionsReply;
    static constexpr std::string_view kName = "sessions";
    static constexpr auto fields() {
        using M = Sessions;
        return std::tuple{Field{"service", &M::service, true}, Field{"clients", &M::clients}};
    }
    bool operator==(const Sessions&) const = default;
};

/// What postscreen's tests said about a client: until when (seconds since the epoch) each counts as
/// passed.  smtpd -> policyd: remember it.
struct ScreenRecord {
    bool found = false;
    std::string client_address;
    std::int64_t pregreet = 0;
    std::int64_t dnsbl = 0;
    std::int64_t pipelining = 0;
    std::int64_t non_smtp = 0;
    std::int64_t bare_newline = 0;

    using Reply = ScreenRecord;
    static constexpr std::string_view kName = "screen-record";
    static constexpr auto fields() {
        using M = ScreenRecord;
        return std::tuple{Field{"found", &M::found},
                          Field{"client_address", &M::client_address, true},
                          Field{"pregreet", &M::pregreet, true},
                          Field{"dnsbl", &M::dnsbl, true},
                          Field{"pipelining", &M::pipelining, true},
                          Field{"non_smtp", &M::non_smtp, true},
                          Field{"bare_newline", &M::bare_newline, true}};
    }
    bool operator==(const ScreenRecord&) const = default;
};
/// smtpd -> policyd: what is known of this client?
struct ScreenQuestion {
    std::string client_address;

    using Reply = ScreenRecord;
    static constexpr std::string_view kName = "screen-question";
    static constexpr auto fields() {
        using M = ScreenQuestion;
        return std::tuple{Field{"client_address", &M::client_address}};
    }
    bool operator==(const ScreenQuestion&) const = default;
};

/// What is known of an address: the numbers are those of Postfix's verify(8).
enum class Deliverable : std::uint8_t { yes, later, no, unknown };
struct VerifyReply {
    Deliverable status = Deliverable::unknown;
    std::string text;  ///< who said so, and why

    static constexpr std::string_view kName = "verify-reply";
    static constexpr auto fields() {
        using M = VerifyReply;
        return std::tuple{Field{"status", &M::status}, Field{"text", &M::text, true}};
    }
    bool operator==(const VerifyReply&) const = default;
};
/// smtpd -> policyd: would mail for this address be taken?
struct Verify {
    std::string address;
    std::uint32_t patience = 0;  ///< milliseconds that the answer may take

    using Reply = VerifyReply;
    static constexpr std::string_view kName = "verify";
    static constexpr auto fields() {
        using M = Verify;
        return std::tuple{Field{"address", &M::address}, Field{"patience", &M::patience, true}};
    }
    bool operator==(const Verify&) const = default;
};

/// What this configuration of policyd looks at.
struct PolicyInterestsReply {
    std::uint32_t moments = 0;  ///< 1 << PolicyMoment
    bool content = false;       ///< Judge

    static constexpr std::string_view kName = "policy-interests-reply";
    static constexpr auto fields() {
        using M = PolicyInterestsReply;
        return std::tuple{Field{"moments", &M::moments}, Field{"content", &M::content}};
    }
    bool operator==(const PolicyInterestsReply&) const = default;
};
/// smtpd -> policyd, once: which questions are of use?  The others would only cost time.
struct PolicyInterests {
    using Reply = PolicyInterestsReply;
    static constexpr std::string_view kName = "policy-interests";
    static constexpr auto fields() { return std::tuple{}; }
};

/// What became of a message that did not come over SMTP.
struct Cleaned {
    std::string status;  ///< not empty: it is refused, "4.7.1" for now or "5.7.1" for good
    std::string text;
    bool discard = false;
    bool hold = false;
    std::string filter;               ///< FILTER
    std::string redirect;             ///< REDIRECT
    std::vector<std::string> copies;  ///< BCC
    std::string sender;
    std::vector<SubmitRecipient> recipients;
    std::uint64_t size = 0;  ///< of the content now

    static constexpr std::string_view kName = "cleaned";
    static constexpr auto fields() {
        using M = Cleaned;
        return std::tuple{
            Field{"status", &M::status, true},   Field{"text", &M::text, true},
            Field{"discard", &M::discard, true}, Field{"hold", &M::hold, true},
            Field{"filter", &M::filter, true},   Field{"redirect", &M::redirect, true},
            Field{"copies", &M::copies},         Field{"sender", &M::sender, true},
            Field{"recipients", &M::recipients}, Field{"size", &M::size}};
    }
};
/// qmgr -> policyd: what about this message from sendmail(1), or this notice of ours?  One
/// descriptor: a memory file with the content, which is changed in place.
struct Clean {
    std::string queue_id;
    std::string sender;
    std::vector<SubmitRecipient> recipients;
    std::string full_name;  ///< of who sends it
    bool smtputf8 = false;
    bool no_checks = false;   ///< receive_override_options: no_header_body_checks
    bool no_milters = false;  ///< likewise
    bool unmapped = false;    ///< no_address_mappings

    using Reply = Cleaned;
    static constexpr std::string_view kName = "clean";
    static constexpr auto fields() {
        using M = Clean;
        return std::tuple{
            Field{"queue_id", &M::queue_id},           Field{"sender", &M::sender, true},
            Field{"recipients", &M::recipients},       Field{"full_name", &M::full_name, true},
            Field{"smtputf8", &M::smtputf8, true},     Field{"no_checks", &M::no_checks, true},
            Field{"no_milters", &M::no_milters, true}, Field{"unmapped", &M::unmapped, true}};
    }
};

}  // namespace facteur::ipc
