#pragma once

#include <string>

#include "lib/config/param.h"

namespace facteur::policyd {

/// Address verification (Postfix's ADDRESS_VERIFICATION_README).
struct VerifySettings : conf::Section {
    template <class T>
    using Param = conf::Param<T>;
    using Seconds = conf::Seconds;
    using Default = conf::Default;

    explicit VerifySettings(Section& outer) : Section(outer) {}
    Param<std::string> map{params, "address_verify_map",
                           "btree:$queue_directory/policy/verify_cache",
                           "The Berkeley DB file that remembers which addresses are deliverable; "
                           "empty: nothing is remembered."};
    Param<Seconds> positive_expire{params, "address_verify_positive_expire_time", Default("31d"),
                                   conf::at_least(Seconds(1)).in('d'),
                                   "How long a deliverable address counts as such."};
    Param<Seconds> positive_refresh{params, "address_verify_positive_refresh_time", Default("7d"),
                                    conf::at_least(Seconds(1)).in('d'),
                                    "After what time it is probed again, when it is asked for."};
    Param<bool> negative_cache{params, "address_verify_negative_cache", true,
                               "Whether undeliverable addresses are remembered."};
    Param<Seconds> negative_expire{params, "address_verify_negative_expire_time", Default("3d"),
                                   conf::at_least(Seconds(1)).in('d'),
                                   "How long an undeliverable address counts as such."};
    Param<Seconds> negative_refresh{params, "address_verify_negative_refresh_time", Default("3h"),
                                    conf::at_least(Seconds(1)).in('h'),
                                    "After what time it is probed again, when it is asked for."};
    Param<Seconds> cleanup{params, "address_verify_cache_cleanup_interval", Default("12h"),
                           conf::at_least(Seconds(0)).in('h'),
                           "How often what is too old is removed; 0: never."};
    Param<std::string> sender{params, "address_verify_sender",
                              "${double_bounce_sender?{$double_bounce_sender}:{double-bounce}}",
                              "The sender of probes; empty or <>: the null sender."};
    Param<Seconds> sender_ttl{params, "address_verify_sender_ttl", Seconds(0),
                              conf::at_least(Seconds(0)),
                              "How often the sender of probes changes; 0: never."};
};

}  // namespace facteur::policyd
