#pragma once

#include "lib/config/param.h"

namespace facteur::conf {

/// What both who classifies addresses and who knows this host among MX hosts must know.
struct ProxyInterfaces : Section {
    explicit ProxyInterfaces(Section& outer) : Section(outer) {}

    Param<List> addresses{
        params, "proxy_interfaces", "",
        "Addresses at which a proxy or address translator receives mail for this host."};
};

}  // namespace facteur::conf
