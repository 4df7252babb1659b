#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/event/task.h"
#include "lib/net/address.h"

namespace facteur {

class Scope;

/// What a load balancer says in front of a connection (HAProxy's proxy-protocol.txt, versions 1 and
/// 2): between whom it is.
struct ProxyHeader {
    std::size_t size = 0;     ///< bytes of it
    bool is_proxied = false;  ///< false: the proxy's own connection ("LOCAL", "UNKNOWN")
    Address source;
    Address destination;
    bool operator==(const ProxyHeader&) const = default;
};

/// The longest header that is taken.
inline constexpr std::size_t kMostProxyHeader = 4096;

/// Nothing: more bytes are needed.  An Error: this is no such header.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

/// Takes the header off a connected, non-blocking socket, and not a byte more.
Task<Result<ProxyHeader>> read_proxy_header(Scope& scope, const Fd& socket, Milliseconds patience);

}  // namespace facteur
