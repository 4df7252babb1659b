#pragma once

#include <string>

#include "lib/event/scope.h"
#include "lib/event/task.h"
#include "smtp-client/dane.h"
#include "smtp-client/lookups.h"
#include "smtp-client/nexthop.h"
#include "smtp-client/tls_policy.h"

namespace facteur::smtp_client {

/// Decides how each server is to prove itself: the administrator's policy, then what the
/// destination itself has published (DANE before MTA-STS, RFC 8461 section 2).
class Security {
public:
    Security(const TlsGround& ground, Lookups& lookups, dns::Resolver& resolver, Scope& scope)
        : ground_(ground), lookups_(lookups), resolver_(resolver), scope_(scope) {}

    /// From smtp_tls_policy_maps, or the parameters.
    Task<Result<TlsPolicy>> of_nexthop(std::string nexthop);
    /// What that comes to for one of its servers; an Error defers the mail.
    Task<Result<TlsPolicy>> of_target(TlsPolicy policy, Target target);

private:
    Task<Result<TlsPolicy>> dane(TlsPolicy policy, Target target);

    const TlsGround& ground_;
    Lookups& lookups_;
    dns::Resolver& resolver_;
    Scope& scope_;
};

}  // namespace facteur::smtp_client
