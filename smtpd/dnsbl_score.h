#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "smtpd/backend.h"
#include "smtpd/dnsbl_site.h"
#include "smtpd/screen_settings.h"

namespace facteur::smtpd {

/// The sum of what the DNS lists of postscreen_dnsbl_sites say about one client, while the answers
/// come in.
class DnsblScore {
public:
    /// Starts the lookups in `scope`.  They and the session share the score: whoever ends last
    /// frees it.
    static std::shared_ptr<DnsblScore> begin(Scope& scope, Backend& backend,
                                             const ScreenSettings& settings,
                                             const std::vector<DnsblSite>& sites,
                                             const Address& client);

    int score() const { return score_; }
    bool done() const { return pending_ == 0; }
    /// The list that counted most against the client.
    const std::string& domain() const { return domain_; }
    /// How long the answers may be kept, within postscreen_dnsbl_min_ttl and max_ttl.
    Seconds ttl(const ScreenSettings& settings) const;
    /// Until all answers are there, or the deadline.
    Task<void> wait(Scope& scope, TimePoint deadline);

private:
    static Task<void> look_up(std::shared_ptr<DnsblScore> score, Backend& backend, DnsblSite site,
                              std::string question, TimePoint deadline);
    void take(const DnsblSite& site, const Listing& listing);

    std::string client_;
    int score_ = 0;
    int worst_ = 0;
    std::size_t pending_ = 0;
    std::uint32_t ttl_ = UINT32_MAX;
    std::string domain_;
    Signal changed_;
};

}  // namespace facteur::smtpd
