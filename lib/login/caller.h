#pragma once

#include <optional>
#include <utility>

#include "lib/base/fd.h"
#include "lib/net/proxy_header.h"

namespace facteur::login {

/// Who connected: the socket, and for whom a proxy speaks there.
struct Caller {
    Caller(Fd the_socket) : socket(std::move(the_socket)) {}  // NOLINT: most come by themselves
    Fd socket;
    std::optional<ProxyHeader> proxied;
};

}  // namespace facteur::login
