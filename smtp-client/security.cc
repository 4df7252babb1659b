#include "smtp-client/security.h"

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"

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

/// RFC 8689 section 4.2.1: without DANE and MTA-STS the certificate must be that of the host, and
/// the way to the host must not be for others to choose.
Result<TlsPolicy> Security::proved(const TlsPolicy& policy, const Target& target) const {
    if (target.dnssec.mx && !target.dnssec.mx_secure) return policy;
    TRY(TlsPolicy secured, policy.at_level(TlsLevel::verify, ground_));
    secured.match = {"hostname"};
    secured.server_name = "hostname";
    return secured;
}

Task<Result<TlsPolicy>> Security::of_target(TlsPolicy policy, Target target, std::string domain,
                                            SenderWish wish) {
    // RFC 8689 section 3: what the recipient's domain asks for does not count then; what the
    // administrator asks for does.
    if (wish == SenderWish::optional) {
        if (policy.level == TlsLevel::dane && !policy.from_map)
            co_return policy.at_level(TlsLevel::may, ground_);
        if (policy.level != TlsLevel::dane && policy.level != TlsLevel::dane_only) co_return policy;
    }
    bool wants_dane = policy.level == TlsLevel::dane || policy.level == TlsLevel::dane_only;
    if (wants_dane) {
        CO_TRY(policy, co_await dane(policy, target));
    }
    // RFC 8461 section 2: MTA-STS must not weaken what DANE has proved; nor does it overrule the
    // administrator's word about this next hop.
    bool open = policy.level == TlsLevel::may || policy.level == TlsLevel::encrypt;
    if (sts_ && open && !policy.from_map && !domain.empty()) {
        CO_TRY(policy, co_await mta_sts(policy, target, std::move(domain)));
    }
    bool unproved = !policy.authenticates() || policy.half_dane;
    if (wish == SenderWish::required && unproved) co_return proved(policy, target);
    co_return policy;
}

Task<Result<TlsPolicy>> Security::mta_sts(TlsPolicy policy, Target target, std::string domain) {
    using Mode = smtp::StsPolicy::Mode;
    StsPolicies::Found found = co_await sts_->find(to_lower(domain));
    policy.sts_failure = found.failure;
    if (!found.entry || found.entry->policy.mode == Mode::none) co_return policy;
    bool enforced = found.entry->policy.mode == Mode::enforce;
    bool allowed = found.entry->policy.allows(target.name);
    TlsPolicy secured = policy;
    if (enforced) {
        // RFC 8461 section 5: the mail waits, and other servers of the domain are tried.
        if (!allowed) {
            co_return temporary(
                fmt::format("MX host {} is not in the MTA-STS policy of {}", target.name, domain),
                "4.7.5");
        }
        CO_TRY(secured, policy.at_level(TlsLevel::secure, ground_));
        secured.anchors_pem.clear();
    }
    secured.mta_sts = enforced;
    secured.sts_testing = !enforced;
    secured.sts_misfit = !allowed;
    // RFC 8461 section 4.1: the certificate is for the MX host, which is asked for by its name.
    secured.match = {"hostname"};
    secured.server_name = "hostname";
    secured.wildcards_span_labels = false;
    secured.sts_text = found.entry->text;
    co_return secured;
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
