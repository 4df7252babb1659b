#include "smtp-client/security.h"

#include <fmt/format.h>

#include "lib/base/log.h"

namespace facteur::smtp_client {

Task<Result<TlsPolicy>> Security::of_nexthop(std::string nexthop) {
    std::optional<std::string> found;
    const auto& maps = ground_.settings.policy_maps();
    if (!maps.empty()) {
        // A next hop that somebody wrote with a port or in brackets is matched as it was written;
        // a domain has parents too: ".example.com".
        auto kind = has_parents(nexthop) ? ipc::LookupKey::domain : ipc::LookupKey::exact;
        CO_TRY(found, co_await lookups_.find(maps, kind, nexthop));
    }
    if (found) co_return TlsPolicy::parse(*found, ground_);
    co_return TlsPolicy::from_settings(ground_);
}

Task<Result<TlsPolicy>> Security::of_target(TlsPolicy policy, Target target) {
    bool wants_dane = policy.level == TlsLevel::dane || policy.level == TlsLevel::dane_only;
    if (wants_dane) {
        CO_TRY(policy, co_await dane(policy, target));
    }
    co_return policy;
}

Task<Result<TlsPolicy>> Security::dane(TlsPolicy policy, Target target) {
    auto misfit = [&](std::string text) -> Result<TlsPolicy> {
        log_warning(text);
        if (policy.level == TlsLevel::dane) return policy.at_level(TlsLevel::may, ground_);
        return temporary("client TLS configuration problem", "4.7.5");
    };
    if (!target.address.is_ip()) {
        co_return misfit(target.name + ": DANE is invalid for delivery via a unix-domain socket");
    }
    if (ground_.shared.dns_support() != DnsSupport::dnssec) {
        co_return misfit(
            fmt::format("{}: dane configured with dnssec lookups disabled", target.name));
    }
    TlsaFinding finding;
    if (!is_off_the_signed_path(policy, ground_, target)) {
        bool force = ground_.settings.force_tlsa_lookup();
        finding = co_await find_tlsa(resolver_, scope_, target, force);
    }
    co_return with_dane(policy, ground_, target, finding);
}

}  // namespace facteur::smtp_client
