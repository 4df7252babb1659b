#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/time.h"
#include "lib/event/task.h"
#include "lib/ipc/ways/delivery.h"
#include "lib/net/stream.h"
#include "lib/sasl/client.h"
#include "lib/smtp/parameters.h"
#include "lib/smtp/reply.h"
#include "smtp-client/content.h"
#include "smtp-client/lookups.h"
#include "smtp-client/offers.h"
#include "smtp-client/settings.h"
#include "smtp-client/tls_clients.h"
#include "smtp-client/tls_policy.h"
#include "smtp-client/trouble.h"

namespace facteur::smtp_client {

/// How to log in.
struct Login {
    sasl::Credentials credentials;
    std::optional<std::vector<std::string>> mechanisms;  ///< upper case; nullopt: all
    /// The server refused the password (535), with these words.
    std::function<void(std::string)> on_refused;
};

/// How a connection is to be made; the same for all connections to one next hop.
struct Manner {
    Protocol protocol = Protocol::smtp;
    TlsPolicy tls;
    std::string nexthop_host;
    std::string domain;  ///< whose MX records led here; empty for a host
    std::optional<Login> login;
    std::vector<std::string> discard_ehlo;     ///< extensions to overlook
    std::vector<std::string> pix_workarounds;  ///< if the greeting is full of asterisks
    Lookups* lookups = nullptr;                ///< for smtp_reply_filter
};

/// What one session did for the recipients of a message.
struct Verdict {
    enum class Kind {
        accepted,
        refused,   ///< trouble says why
        unsettled  ///< nothing was decided: the connection failed before
    };
    Kind kind = Kind::unsettled;
    smtp::Reply reply;  ///< accepted: the server's last words
    Trouble trouble;
    bool ambiguous = false;  ///< lost at the final dot: the server may have it
};

/// One message, and the recipients that are still to be delivered, in the same order as verdicts.
struct Envelope {
    const ipc::Job* job = nullptr;
    Content* content = nullptr;
    std::vector<const ipc::JobRecipient*> recipients;
    std::string sender;                  ///< as other hosts know it (smtp_generic_maps)
    std::vector<std::string> addresses;  ///< of the recipients, likewise
};

/// One connection to one server: greeting, TLS, login, then message after message.
class Conversation {
public:
    Conversation(const Settings& settings, Target target, Manner manner,
                 std::unique_ptr<Stream> stream);

    /// From the greeting to the login.  `plain`: leave TLS out, it failed before.
    Task<Attempt> open(TlsClients& tls, bool plain);
    /// One transaction (RFC 5321 section 3.3); never throws but Cancelled.
    Task<std::vector<Verdict>> deliver(Envelope envelope);
    /// Says QUIT; whether the answer is waited for (smtp_skip_quit_response), the caller does not.
    void quit();

    const Target& target() const { return target_; }
    const Manner& manner() const { return manner_; }
    /// Another message may follow.
    bool usable() const { return !broken_; }
    /// The server has not hung up, nor said anything unasked.
    bool quiet() const;
    int messages() const { return messages_; }
    TimePoint opened() const { return opened_; }
    /// nullptr: no TLS.
    const TlsInfo* tls() const { return stream_->tls(); }
    std::string local_ip() const { return stream_->local().ip(); }
    bool offered_starttls() const { return starttls_seen_; }
    bool offered_requiretls() const { return offers_.requiretls; }
    bool dsn_offered() const { return offers_.dsn; }
    bool deliver_by_offered() const { return offers_.deliver_by; }
    const Offers& offers() const { return offers_; }

private:
    /// The commands of one transaction, and which answers came.
    struct Transaction;

    Task<smtp::Reply> reply(Milliseconds budget);
    Task<std::string> filtered(std::string line);
    Task<smtp::Reply> command(std::string line, Milliseconds budget);
    Task<Attempt> try_open(TlsClients& tls, bool plain);
    Task<Attempt> greet();
    Task<Attempt> hello();
    Task<Attempt> secure(TlsClients& tls, bool plain);
    Task<Attempt> start_wrapped(TlsClients& tls);
    Task<Attempt> start_tls(TlsClients& tls);
    const TlsSettings& tls_settings() const;
    bool is_proved() const;
    Task<Attempt> login();
    Task<Result<smtp::Reply>> login_with(std::string name, sasl::ClientMechanism& mechanism);
    std::vector<std::string> mechanisms(sasl::ClientConnection& connection) const;
    std::uint8_t needed_security() const;
    void log_tls(bool first) const;

    std::optional<Trouble> time_obstacle(const ipc::Job& job) const;
    void put_wishes(smtp::MailParameters& parameters, const ipc::Job& job) const;
    std::optional<Trouble> obstacle(const Envelope& envelope) const;
    Task<void> prepare_content(Transaction& transaction);
    Task<bool> needs_utf8(const Envelope& envelope) const;
    Task<void> tell_origin(const Envelope& envelope);
    Task<void> transact(Transaction& transaction);
    Task<void> exchange(Transaction& transaction);
    Task<void> read_answers(Transaction& transaction, std::size_t from, std::size_t to);
    Task<void> send_data(Transaction& transaction);
    Task<void> send_chunk(Transaction& transaction);
    Milliseconds transfer_budget(TimePoint started, std::uint64_t sent) const;
    Task<void> pause_before_dot(Transaction& transaction);
    Task<void> read_final(Transaction& transaction);
    void note(Transaction& transaction, std::size_t step, const smtp::Reply& reply);
    std::string mail_command(const Envelope& envelope, bool eight_bit) const;
    std::string rcpt_command(const ipc::JobRecipient& recipient, const std::string& address) const;
    std::string path(const std::string& address) const;
    std::vector<std::string> xforward_commands(const ipc::Job& job) const;
    bool has_workaround(std::string_view name) const;

    const Settings& settings_;
    Target target_;
    Manner manner_;
    std::unique_ptr<Stream> stream_;
    Offers offers_;
    std::string doing_ = "receiving the initial server greeting";
    TimePoint opened_;
    int messages_ = 0;
    bool esmtp_ = false;
    bool behind_pix_ = false;  ///< smtp_pix_workarounds apply
    bool logged_in_ = false;
    bool starttls_seen_ = false;  ///< before the handshake it was offered
    bool broken_ = false;
    bool needs_reset_ = false;  ///< the last transaction was not finished
};

}  // namespace facteur::smtp_client
