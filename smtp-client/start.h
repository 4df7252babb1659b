#pragma once

#include <memory>
#include <string>

#include "lib/base/log.h"
#include "lib/net/dns/resolver.h"
#include "lib/net/tls.h"
#include "smtp-client/reachability.h"
#include "smtp-client/settings.h"
#include "smtp-client/targets.h"
#include "smtp-client/tls_policy.h"

/// What is made of the parameters before the sandbox hides /etc and the network interfaces.
namespace facteur::smtp_client {

/// The value, or the end of the process.
template <class T>
T must(Result<T> result) {
    if (!result) log_fatal(result.error().text);
    return *std::move(result);
}

std::unique_ptr<dns::Resolver> resolver_for(const Settings& settings);
Routing routing_for(const Settings& settings, dns::Resolver& resolver,
                    const Reachability& reachability);
TlsGround ground_for(const Settings& settings);
TlsClientOptions tls_options(const TlsSettings& settings, const SharedTlsSettings& shared);
/// A file of authorities as PEM text; without it their certificates are not trusted, and mail that
/// needs no trust goes on.
std::string authorities(const std::string& file);

}  // namespace facteur::smtp_client
