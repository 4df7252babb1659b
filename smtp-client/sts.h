#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/time.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "lib/net/dns/resolver.h"
#include "lib/net/https.h"
#include "lib/smtp/mta_sts.h"

namespace facteur::smtp_client {

/// Where MTA-STS policies are kept over restarts.
class StsMemory {
public:
    virtual ~StsMemory() = default;
    virtual Task<Result<std::map<std::string, std::string>>> recall() = 0;
    virtual Task<void> remember(std::string domain, std::string value) = 0;
    virtual Task<void> forget(std::string domain) = 0;
};

/// One policy, as it is kept: the wall clock's seconds, because the memory outlives the process.
struct StsEntry {
    std::string id;
    std::int64_t fetched = 0;
    std::string text;
    smtp::StsPolicy policy;

    bool good_at(std::int64_t now) const { return now < fetched + policy.max_age.count(); }
    std::string encode() const;
    static Result<StsEntry> decode(std::string_view text);
};

/// The MTA-STS policies of other domains (RFC 8461): found, kept, and renewed before they expire.
class StsPolicies {
public:
    /// Gets https://mta-sts.DOMAIN/.well-known/mta-sts.txt.
    using Fetch = std::function<Task<Result<HttpsPage>>(std::string domain)>;
    struct Limits {
        std::size_t entries = 10000;
        Seconds refresh{86400};  ///< a policy of this age is fetched again
        Seconds retry{300};      ///< how long a failed fetch is not repeated
    };
    struct Found {
        std::optional<StsEntry> entry;
        std::string failure;  ///< RFC 8460 section 4.3.2.2: "sts-policy-fetch-error"
    };

    StsPolicies(Scope& scope, dns::Resolver& resolver, Fetch fetch, StsMemory& memory,
                Limits limits);
    /// The policy to obey now; none: the domain has none, or none can be had.
    Task<Found> find(std::string domain);
    /// Fetches what is old; once an hour, by itself.
    Task<void> refresh();
    std::size_t size() const { return entries_.size(); }

private:
    struct Fetching {
        Signal done;
        bool ready = false;
        std::string failure;
    };
    Task<void> load();
    Task<std::string> fetch(std::string domain, std::string id);
    Task<std::string> try_fetch(std::string domain, std::string id);
    void keep(const std::string& domain, StsEntry entry);
    Task<void> run();

    Scope& scope_;
    dns::Resolver& resolver_;
    Fetch fetch_;
    StsMemory& memory_;
    Limits limits_;
    std::map<std::string, StsEntry> entries_;
    std::map<std::string, std::shared_ptr<Fetching>> fetching_;  ///< shared with who waits
    struct Failure {
        TimePoint until;
        std::string type;
    };
    std::map<std::string, Failure> failed_;
    bool loaded_ = false;
    TimePoint load_again_{};
    Scope running_;
};

}  // namespace facteur::smtp_client
