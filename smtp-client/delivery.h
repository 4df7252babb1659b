#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/ipc/ways/delivery.h"
#include "smtp-client/connection_cache.h"
#include "smtp-client/conversation.h"
#include "smtp-client/dialer.h"
#include "smtp-client/logins.h"
#include "smtp-client/lookups.h"
#include "smtp-client/outgoing.h"
#include "smtp-client/security.h"
#include "smtp-client/settings.h"
#include "smtp-client/targets.h"
#include "smtp-client/tls_clients.h"
#include "smtp-client/tls_reporter.h"

namespace facteur::smtp_client {

/// What all deliveries of a process share.
struct Surroundings {
    const Settings& settings;
    Protocol protocol;
    Routing routing;
    Lookups& lookups;
    Logins& logins;
    Outgoing& outgoing;
    TlsClients& tls;
    Security& security;
    ConnectionCache& cache;
    Scope& scope;
    Reachability& reachability;
    DialOptions dial;
    /// Waits until somebody hears what becomes of a message; empty: somebody always does.
    std::function<Task<void>()> heard = nullptr;
    TlsReporter* reports = nullptr;  ///< nullptr: domains are not told how TLS went
};

/// One job: finds servers, talks to them in turn until nothing is left to try, logs and reports
/// what became of each recipient.
class Delivery {
public:
    /// Gets results as soon as they are final, before the last report.
    using Progress = std::function<void(std::vector<ipc::RecipientResult>)>;

    Delivery(Surroundings& surroundings, ipc::Job job, Fd content, Progress progress);
    /// The final report, complete, with all results.  Throws Cancelled only.
    Task<ipc::JobReport> run();

private:
    Task<void> try_nexthop(std::string text);
    Task<bool> try_cached(const std::string& nexthop);
    Task<Result<void>> choose_source();
    Task<void> try_targets(const std::string& nexthop, Manner manner);
    Task<Attempt> try_stream(const std::string& nexthop, Target target, Manner manner,
                             std::unique_ptr<Stream> stream, bool plain);
    Trouble for_sender(const Trouble& trouble, const Target& target) const;
    void unconnected(const Target& target, const Error& error);
    bool blames_ipv6(const Target& target, const Trouble& trouble) const;
    void avoid_ipv6(const Target& target);
    std::string server_key(const Target& target, const Manner& manner) const;
    bool is_cached(const std::string& nexthop) const;
    SenderWish wish() const;
    Task<Result<Manner>> manner_for(std::string nexthop, Nexthop parsed);
    Task<void> session(const std::string& nexthop, std::unique_ptr<Conversation> conversation);
    void apply(const Conversation& conversation, std::vector<std::size_t> asked,
               std::vector<Verdict> verdicts);
    std::vector<std::size_t> batch(const Offers& offers,
                                   const std::vector<std::size_t>& waiting) const;
    Task<Result<void>> prepare();
    Task<Result<Envelope>> envelope_for(std::vector<std::size_t> recipients);
    Task<Result<void>> adapt(Manner& manner, Target target);
    bool has_enough(const Conversation& conversation) const;
    Task<void> tell_settled();
    static void put_in_other_words(ipc::RecipientResult& result, std::string_view words);
    void keep(const std::string& nexthop, std::unique_ptr<Conversation> conversation);

    void trouble_for_all(const Trouble& trouble, const std::string& relay);
    void settle(std::size_t recipient, ipc::RecipientResult result);
    void settle_rest();
    void log(const ipc::JobRecipient& recipient, const ipc::RecipientResult& result) const;
    bool done() const { return pending_.empty(); }

    Surroundings& around_;
    ipc::Job job_;
    Content content_;
    std::unique_ptr<Content> rewritten_;  ///< instead of it
    bool prepared_ = false;
    Progress progress_;
    std::vector<std::size_t> pending_;          ///< recipients without a final result
    std::vector<ipc::RecipientResult> latest_;  ///< of each recipient, final or not
    std::vector<std::pair<std::size_t, ipc::RecipientResult>> settled_;  ///< final, not logged
    std::vector<ipc::RecipientResult> fresh_;                            ///< final, not reported
    DialOptions dial_;
    std::string source_;        ///< which of our addresses the sender asks for, for the cache
    std::vector<Target> left_;  ///< servers of this next hop that are still to be tried
    ipc::JobReport report_;
    std::int64_t started_;    ///< microseconds since the epoch, as the job's times
    std::int64_t connected_;  ///< when the current session was ready
    int connection_use_ = 0;
    int sessions_ = 0;
    std::optional<Address> answered_;  ///< the server that had its say, for this next hop
    bool self_is_mx_ = false;
    bool reached_ = false;  ///< some server talked to us
};

}  // namespace facteur::smtp_client
