#pragma once

#include "lib/config/param.h"

namespace facteur::conf {

/// How daemons ask name servers.  A member of the Settings of those that do:
/// `conf::DnsSettings dns{*this};`
struct DnsSettings : Section {
    explicit DnsSettings(Section& outer) : Section(outer) {}
    Param<List> servers{
        params, "dns_servers", "",
        "Name servers as address or address:port; empty: those of /etc/resolv.conf."};
    Param<Seconds> timeout{
        params, "dns_timeout", Seconds(5), at_least(Seconds(1)),
        "How long a name server may take to answer a question before the next one is asked."};
    Param<int> tries{params, "dns_tries", 2, Range<int>{1, 10},
                     "How often each name server is asked before a question has failed."};
    Param<int> cache{params, "dns_cache_entries", 10000,
                     "How many answers of name servers are kept; 0: none."};
};

}  // namespace facteur::conf
