#pragma once

#include "lib/milter/milter.h"
#include "lib/net/dns/resolver.h"

namespace facteur::milter {

/// Connects to "inet:host:port", "inet:port" on this host, or "unix:path" (relative to the queue's
/// folder).
Task<Result<Fd>> connect_to_place(Scope& scope, dns::Resolver& resolver, std::string place,
                                  TimePoint deadline);

}  // namespace facteur::milter
