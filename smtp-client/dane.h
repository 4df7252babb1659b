#pragma once

#include <string>
#include <vector>

#include "lib/event/task.h"
#include "lib/net/dns/resolver.h"
#include "lib/smtp/tlsa.h"
#include "smtp-client/targets.h"
#include "smtp-client/tls_policy.h"

namespace facteur::smtp_client {

/// What the name service has signed about the certificate of one server (RFC 7672 section 2.2).
struct TlsaFinding {
    enum class Kind : std::uint8_t {
        none,  ///< no signed records: DANE says nothing about this server
        usable,
        unusable,  ///< signed records, none of a kind that SMTP knows
        failed,    ///< the name service failed, or somebody forges it
    };
    Kind kind = Kind::none;
    std::vector<smtp::Tlsa> records;  ///< the usable ones
    std::string base;                 ///< the host whose records these are
};

/// insecure_too: look even where the addresses are not signed.
Task<TlsaFinding> find_tlsa(dns::Resolver& resolver, Scope& scope, Target target,
                            bool insecure_too);

/// What a policy of level dane or dane-only comes to for one server: that level with records, or
/// what Postfix makes of it where they are missing or of no use.  An Error defers the mail.
Result<TlsPolicy> with_dane(const TlsPolicy& policy, const TlsGround& ground, const Target& target,
                            const TlsaFinding& finding);

/// Whether the MX record of this server rules DANE out before any TLSA record is looked for.
bool is_off_the_signed_path(const TlsPolicy& policy, const TlsGround& ground, const Target& target);

}  // namespace facteur::smtp_client
