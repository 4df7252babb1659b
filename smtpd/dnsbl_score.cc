#include "smtpd/dnsbl_score.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/base/log_as.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "smtpd/restriction.h"

namespace facteur::smtpd {

std::shared_ptr<DnsblScore> DnsblScore::begin(Scope& scope, Backend& backend,
                                              const ScreenSettings& settings,
                                              const std::vector<DnsblSite>& sites,
                                              const Address& client) {
    auto score = std::make_shared<DnsblScore>();
    score->client_ = client.ip();
    score->pending_ = sites.size();
    const TimePoint deadline = Loop::current().now() + settings.dnsbl_timeout();
    for (const DnsblSite& site : sites)
        scope.spawn(
            look_up(score, backend, site, dnsbl_name(client) + '.' + site.domain, deadline));
    return score;
}

Task<void> DnsblScore::look_up(std::shared_ptr<DnsblScore> score, Backend& backend, DnsblSite site,
                               std::string question, TimePoint deadline) {
    Result<Listing> listing = co_await backend.listed_as(std::move(question), deadline);
    if (listing) score->take(site, *listing);
    if (!listing) log_debug("DNS list " + site.domain + ": " + listing.error().text);
    --score->pending_;
    score->changed_.notify_all();
}

/// A list's weight counts once, however many of its answers match.
void DnsblScore::take(const DnsblSite& site, const Listing& listing) {
    ttl_ = std::min(ttl_, listing.ttl);
    bool matches = false;
    for (const std::string& address : listing.addresses) {
        if (!dnsbl_matches(site.filter, address)) continue;
        log_as("dnsblog",
               "addr " + client_ + " listed by domain " + site.domain + " as " + address);
        matches = true;
    }
    if (!matches) return;
    score_ += site.weight;
    if (site.weight <= worst_ && !domain_.empty()) return;
    worst_ = site.weight;
    domain_ = site.domain;
}

Seconds DnsblScore::ttl(const ScreenSettings& settings) const {
    // Where the minimum is above the maximum, the minimum wins.
    const Seconds known(ttl_);
    return std::max(std::min(known, settings.dnsbl_max_ttl()), settings.dnsbl_min_ttl());
}

Task<void> DnsblScore::wait(Scope& scope, TimePoint deadline) {
    try {
        while (!done() && Loop::current().now() < deadline)
            co_await changed_.wait(scope, deadline);
    } catch (const TimedOut&) {
    }
}

}  // namespace facteur::smtpd
