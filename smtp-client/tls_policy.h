#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/net/tls.h"
#include "smtp-client/settings.h"
#include "smtp-client/targets.h"

namespace facteur::smtp_client {

/// How much TLS one next hop gets.
struct TlsPolicy {
    TlsLevel level = TlsLevel::none;
    std::vector<std::string> match;  ///< "hostname", "nexthop", "dot-nexthop" or names
    std::string protocols;           ///< empty: the default of the level

    /// From smtp_tls_security_level.
    static TlsPolicy from_settings(const TlsSettings& settings);
    /// From a line of smtp_tls_policy_maps: "secure match=example.com:.example.com protocols=…".
    static Result<TlsPolicy> parse(std::string_view line, const TlsSettings& settings);

    /// What the handshake with one server of the next hop must prove.
    TlsClientWish wish(const Target& target, std::string_view nexthop_host) const;
};

}  // namespace facteur::smtp_client
