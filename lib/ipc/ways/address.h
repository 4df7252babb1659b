#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/codec.h"

/// The ways to addressd (service `address`), the owner of every lookup table.  Addresses travel in
/// internal form, unquoted.  An Error as the answer is always a table that could not be asked:
/// temporary.  `keep` in an answer is for how many seconds the asker may use it again.
namespace facteur::ipc {

/// What an address is to this system (Postfix's ADDRESS_CLASS_README).
enum class AddressClass : std::uint8_t {
    local,            ///< mydestination, inet_interfaces
    virtual_alias,    ///< virtual_alias_domains
    virtual_mailbox,  ///< virtual_mailbox_domains
    relay,            ///< relay_domains
    other,            ///< anybody else's
};

struct Classification {
    AddressClass address_class = AddressClass::other;
    bool exists = true;   ///< false: no table of its class, and no alias, knows it
    std::string address;  ///< fully qualified, after rewriting
    std::uint32_t keep = 0;
    /// Mail for it goes to the transport error: "5.1.6 User has moved to ...".
    std::string refusal;

    static constexpr std::string_view kName = "classification";
    static constexpr auto fields() {
        using M = Classification;
        return std::tuple{Field{"class", &M::address_class}, Field{"exists", &M::exists},
                          Field{"address", &M::address}, Field{"keep", &M::keep, true},
                          Field{"refusal", &M::refusal, true}};
    }
    bool operator==(const Classification&) const = default;
};
/// smtpd -> addressd: what is this sender or recipient?
struct Classify {
    std::string address;

    using Reply = Classification;
    static constexpr std::string_view kName = "classify";
    static constexpr auto fields() {
        using M = Classify;
        return std::tuple{Field{"address", &M::address}};
    }
    bool operator==(const Classify&) const = default;
};

/// Which parts of the key are searched, and in which order: access(5).
enum class AccessKey : std::uint8_t {
    address,  ///< user+ext@domain, user@domain, domain and parents, user+ext@, user@
    name,     ///< host or domain name and its parents
    client,   ///< the name likewise, then the IP address and the networks it is in
    exact,    ///< only the key itself
};

struct TableReply {
    bool found = false;
    std::string value;
    std::uint32_t keep = 0;

    static constexpr std::string_view kName = "table-reply";
    static constexpr auto fields() {
        using M = TableReply;
        return std::tuple{Field{"found", &M::found}, Field{"value", &M::value, true},
                          Field{"keep", &M::keep, true}};
    }
    bool operator==(const TableReply&) const = default;
};
/// smtpd -> addressd: what does an access table say?  Only tables that main.cf or master.cf name
/// are asked.
struct Access {
    std::string table;  ///< "hash:/etc/facteur/access"
    AccessKey kind = AccessKey::exact;
    std::string key;
    std::string client_ip;  ///< AccessKey::client: tried after the name

    using Reply = TableReply;
    static constexpr std::string_view kName = "access";
    static constexpr auto fields() {
        using M = Access;
        return std::tuple{Field{"table", &M::table}, Field{"kind", &M::kind}, Field{"key", &M::key},
                          Field{"client_ip", &M::client_ip, true}};
    }
    bool operator==(const Access&) const = default;
};

enum class LookupKey : std::uint8_t {
    exact,    ///< only the key
    address,  ///< user+ext@domain, user@domain, user if the domain is ours, @domain
    domain,   ///< the name, then ".parent" names
};
/// Anybody -> addressd: the tables of one parameter, asked in order (smtpd_sender_login_maps,
/// smtp_sasl_password_maps, smtp_tls_policy_maps, …).
struct Lookup {
    std::vector<std::string> tables;  ///< the value of the parameter
    LookupKey kind = LookupKey::exact;
    std::string key;

    using Reply = TableReply;
    static constexpr std::string_view kName = "lookup";
    static constexpr auto fields() {
        using M = Lookup;
        return std::tuple{Field{"tables", &M::tables}, Field{"kind", &M::kind},
                          Field{"key", &M::key}};
    }
    bool operator==(const Lookup&) const = default;
};

/// The keys that a table knows; the others are not mentioned.
struct LookupManyReply {
    std::vector<std::uint32_t> found;  ///< places in the question, ascending
    std::vector<std::string> values;   ///< one for each

    static constexpr std::string_view kName = "lookup-many-reply";
    static constexpr auto fields() {
        using M = LookupManyReply;
        return std::tuple{Field{"found", &M::found}, Field{"values", &M::values}};
    }
    bool operator==(const LookupManyReply&) const = default;
};
/// Anybody -> addressd: what the tables of a parameter say about many whole keys at once: the lines
/// of a message (header_checks, body_checks).
struct LookupMany {
    std::vector<std::string> tables;  ///< the value of the parameter
    std::vector<std::string> keys;

    using Reply = LookupManyReply;
    static constexpr std::string_view kName = "lookup-many";
    static constexpr auto fields() {
        using M = LookupMany;
        return std::tuple{Field{"tables", &M::tables}, Field{"keys", &M::keys}};
    }
    bool operator==(const LookupMany&) const = default;
};

struct MatchReply {
    bool matches = false;
    std::uint32_t keep = 0;

    static constexpr std::string_view kName = "match-reply";
    static constexpr auto fields() {
        using M = MatchReply;
        return std::tuple{Field{"matches", &M::matches}, Field{"keep", &M::keep, true}};
    }
    bool operator==(const MatchReply&) const = default;
};
/// Anybody -> addressd: does a list (mynetworks, smtpd_client_event_limit_exceptions, …) that has
/// files and tables in it hold this name or address?
struct Match {
    std::string list;                   ///< the parameter's name: parent_domain_matches_subdomains
    std::vector<std::string> patterns;  ///< its value
    std::string name;                   ///< may be empty
    std::string ip;                     ///< may be empty

    using Reply = MatchReply;
    static constexpr std::string_view kName = "match";
    static constexpr auto fields() {
        using M = Match;
        return std::tuple{Field{"list", &M::list}, Field{"patterns", &M::patterns},
                          Field{"name", &M::name, true}, Field{"ip", &M::ip, true}};
    }
    bool operator==(const Match&) const = default;
};

/// One place that a recipient's mail goes to.
struct Destination {
    std::string recipient;  ///< fully qualified, after all aliases
    std::string transport;  ///< the service in master.cf: "smtp", "local", "virtual", "error"
    /// What the transport makes of it: "[relay.example]:587", a domain, "unix:private/lmtp", the
    /// text of an error ("5.1.1 User unknown").
    std::string nexthop;
    /// The envelope sender there, where it is another one than the resolution's: SRS.
    std::string sender;
    bool copy = false;  ///< for always_bcc and the like: nobody hears of its delivery

    static constexpr auto fields() {
        using M = Destination;
        return std::tuple{Field{"recipient", &M::recipient}, Field{"transport", &M::transport},
                          Field{"nexthop", &M::nexthop}, Field{"sender", &M::sender, true},
                          Field{"copy", &M::copy, true}};
    }
    bool operator==(const Destination&) const = default;
};
/// What became of one recipient of an envelope.
struct Resolved {
    std::string original;                   ///< as it was asked
    std::vector<Destination> destinations;  ///< at least one unless `status` is set
    /// An alias that expands too far, a table that fails: "4.3.0" is to be tried again later,
    /// "5.4.6" is final.
    std::string status;
    std::string text;

    static constexpr auto fields() {
        using M = Resolved;
        return std::tuple{Field{"original", &M::original}, Field{"destinations", &M::destinations},
                          Field{"status", &M::status, true}, Field{"text", &M::text, true}};
    }
    bool operator==(const Resolved&) const = default;
};
struct Resolution {
    std::string sender;                ///< after canonical mapping
    std::vector<Resolved> recipients;  ///< in the order of the question
    std::uint32_t keep = 0;

    static constexpr std::string_view kName = "resolution";
    static constexpr auto fields() {
        using M = Resolution;
        return std::tuple{Field{"sender", &M::sender}, Field{"recipients", &M::recipients},
                          Field{"keep", &M::keep, true}};
    }
    bool operator==(const Resolution&) const = default;
};
/// qmgr -> addressd: rewrite, map (canonical, virtual aliases) and route the recipients of one
/// envelope.
struct Resolve {
    std::string sender;  ///< empty: the null sender
    std::vector<std::string> recipients;
    /// Routing only: the recipients came out of aliases before, or are senders of bounces.
    bool expanded = false;
    /// For a probe, which Postfix's address_verify_* parameters may send another way.
    bool verify = false;
    /// The message is one that came before: an alias or ~/.forward sends it on.  It has no copies.
    bool forwarded = false;

    using Reply = Resolution;
    static constexpr std::string_view kName = "resolve";
    static constexpr auto fields() {
        using M = Resolve;
        return std::tuple{Field{"sender", &M::sender}, Field{"recipients", &M::recipients},
                          Field{"expanded", &M::expanded, true}, Field{"verify", &M::verify, true},
                          Field{"forwarded", &M::forwarded, true}};
    }
    bool operator==(const Resolve&) const = default;
};

/// The addresses of a question, in its order, as they are to be.
struct RewriteHeaderReply {
    std::vector<std::string> senders;
    std::vector<std::string> recipients;

    static constexpr std::string_view kName = "rewrite-header-reply";
    static constexpr auto fields() {
        using M = RewriteHeaderReply;
        return std::tuple{Field{"senders", &M::senders}, Field{"recipients", &M::recipients}};
    }
    bool operator==(const RewriteHeaderReply&) const = default;
};
/// smtpd, policyd -> addressd: completes the addresses of a message's header, and maps them as far
/// as canonical_classes and masquerade_classes say (header_sender, header_recipient).
struct RewriteHeader {
    std::vector<std::string> senders;     ///< of From:, Sender: and the like
    std::vector<std::string> recipients;  ///< of To:, Cc: and the like
    /// remote_header_rewrite_domain: what is appended; empty: $myorigin and $mydomain.
    std::string domain;
    bool unmapped = false;  ///< they are only completed

    using Reply = RewriteHeaderReply;
    static constexpr std::string_view kName = "rewrite-header";
    static constexpr auto fields() {
        using M = RewriteHeader;
        return std::tuple{Field{"senders", &M::senders}, Field{"recipients", &M::recipients},
                          Field{"domain", &M::domain, true}, Field{"unmapped", &M::unmapped, true}};
    }
    bool operator==(const RewriteHeader&) const = default;
};

enum class AliasKind : std::uint8_t {
    address,  ///< forward to this address
    user,     ///< this local user's mailbox: `\user`
    command,  ///< "|command"
    file,     ///< "/file/name", or "/folder/" for a Maildir
    account,  ///< this local user, whose ~/.forward counts
};
struct AliasTarget {
    AliasTarget() = default;
    AliasTarget(AliasKind the_kind, std::string the_value, std::string the_owner = {},
                std::string the_alias = {})
        : kind(the_kind),
          value(std::move(the_value)),
          owner(std::move(the_owner)),
          via(std::move(the_alias)) {}
    AliasKind kind = AliasKind::address;
    std::string value;
    /// owner-NAME exists: errors of forwarded mail go there (the new envelope sender).
    std::string owner;
    std::string via;  ///< the alias that names it, when it is not the one that was asked for

    static constexpr auto fields() {
        using M = AliasTarget;
        return std::tuple{Field{"kind", &M::kind}, Field{"value", &M::value},
                          Field{"owner", &M::owner, true}, Field{"via", &M::via, true}};
    }
    bool operator==(const AliasTarget&) const = default;
};
struct AliasReply {
    bool found = false;  ///< false: no alias of that name; deliver to the user
    std::vector<AliasTarget> targets;
    std::uint32_t keep = 0;

    static constexpr std::string_view kName = "alias-reply";
    static constexpr auto fields() {
        using M = AliasReply;
        return std::tuple{Field{"found", &M::found}, Field{"targets", &M::targets},
                          Field{"keep", &M::keep, true}};
    }
    bool operator==(const AliasReply&) const = default;
};
/// lmtp-local -> addressd: aliases(5), all the way down, for a local name.
struct Alias {
    std::string name;  ///< local part, with extension

    using Reply = AliasReply;
    static constexpr std::string_view kName = "alias";
    static constexpr auto fields() {
        using M = Alias;
        return std::tuple{Field{"name", &M::name}};
    }
    bool operator==(const Alias&) const = default;
};

}  // namespace facteur::ipc
