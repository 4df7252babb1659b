#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "lib/ipc/rpc.h"

namespace facteur::ipc {

/// smtpd -> qmgr: ETRN (RFC 1985), what waits for a domain is tried at once.  The answer comes when
/// the search has begun, which may take long.
struct FlushDestination {
    std::string domain;       ///< lower case
    bool subdomains = false;  ///< its subdomains, too

    using Reply = Nothing;
    static constexpr std::string_view kName = "flush-destination";
    static constexpr auto fields() {
        using M = FlushDestination;
        return std::tuple{Field{"domain", &M::domain}, Field{"subdomains", &M::subdomains}};
    }
};

}  // namespace facteur::ipc
