#pragma once

#include <string>

#include "lib/event/scope.h"
#include "lib/event/task.h"
#include "smtp-client/dane.h"
#include "smtp-client/lookups.h"
#include "smtp-client/nexthop.h"
#include "smtp-client/sts.h"
#include "smtp-client/tls_policy.h"

namespace facteur::smtp_client {

/// What the sender of a message asks for (RFC 8689).
enum class SenderWish : std::uint8_t {
    none,
    required,  ///< REQUIRETLS
    optional,  ///< TLS-Required: No
};

/// Decides how each server is to prove itself: the administrator's policy, then what the
/// destination itself has published (DANE before MTA-STS, RFC 8461 section 2).
class Security {
public:
    /// sts: nullptr leaves MTA-STS out.
    Security(const TlsGround& ground, Lookups& lookups, dns::Resolver& resolver, Scope& scope,
             StsPolicies* sts = nullptr)
        : ground_(ground), lookups_(lookups), resolver_(resolver), scope_(scope), sts_(sts) {}

    /// From smtp_tls_policy_maps, or the parameters.
    Task<Result<TlsPolicy>> of_nexthop(std::string nexthop);
    /// What that comes to for one of its servers; an Error defers the mail.  domain: that of the
    /// recipients, when its MX records led to the server.
    Task<Result<TlsPolicy>> of_target(TlsPolicy policy, Target target, std::string domain,
                                      SenderWish wish);

private:
    Task<Result<TlsPolicy>> dane(TlsPolicy policy, Target target);
    Result<TlsPolicy> proved(const TlsPolicy& policy, const Target& target) const;
    Task<Result<TlsPolicy>> mta_sts(TlsPolicy policy, Target target, std::string domain);

    const TlsGround& ground_;
    Lookups& lookups_;
    dns::Resolver& resolver_;
    Scope& scope_;
    StsPolicies* sts_;
};

}  // namespace facteur::smtp_client
