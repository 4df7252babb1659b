#pragma once

#include <set>
#include <string>

#include "lib/config/common.h"
#include "lib/config/dns.h"
#include "policyd/clean_settings.h"
#include "policyd/tls_report_settings.h"
#include "policyd/verify_settings.h"

namespace facteur::policyd {

struct Settings : conf::Common {
    conf::Param<conf::Seconds> anvil_rate_time_unit{
        params, "anvil_rate_time_unit", conf::Seconds(60), conf::at_least(conf::Seconds(1)),
        "The time over which events are counted for the rate limits."};
    conf::Param<int> login_message_rate{
        params, "smtpd_login_message_rate_limit", 0,
        "Messages that one authenticated user may send per $anvil_rate_time_unit, from wherever; "
        "0: no limit."};
    conf::Param<int> login_recipient_rate{
        params, "smtpd_login_recipient_rate_limit", 0,
        "Recipients that one authenticated user may name per $anvil_rate_time_unit, from "
        "wherever; 0: no limit."};
    conf::Param<int> counters{
        params, "policyd_counter_limit", 200000, conf::Range<int>{100, 100000000},
        "How many clients and users are counted at a time; the longest unseen are forgotten."};
    conf::Param<int> policy_connections{
        params, "policyd_service_connection_limit", 100, conf::Range<int>{1, 100000},
        "Questions that one policy server is asked at a time; the others wait."};
    conf::Param<std::string> screen_map{
        params, "postscreen_cache_map", "btree:$queue_directory/policy/postscreen_cache",
        "The Berkeley DB file that remembers which clients passed postscreen's tests."};
    conf::Param<conf::Seconds> screen_cleanup{
        params, "postscreen_cache_cleanup_interval", conf::Default("12h"),
        conf::at_least(conf::Seconds(0)).in('h'),
        "How often clients that nobody saw any more are forgotten; 0: never."};
    conf::Param<conf::Seconds> screen_retention{
        params, "postscreen_cache_retention_time", conf::Default("7d"),
        conf::at_least(conf::Seconds(1)).in('d'),
        "How long a client is remembered when its last passed test does not count any more."};
    VerifySettings verify{*this};
    conf::Param<int> memory_limit{
        params, "policyd_memory_limit", 20000, conf::Range<int>{10, 10000000},
        "How many things of one kind are kept on disk for daemons that can open no file, such as "
        "the MTA-STS policies of other domains."};
    CleanSettings cleaning{*this};
    TlsReportSettings tls_report{*this};
    conf::DnsSettings dns{*this};

    /// "inet:…" and "unix:…" wherever main.cf and master.cf name them: the only policy servers that
    /// are asked.
    std::set<std::string> policy_servers;
    void loaded(const conf::MainCf& file, const conf::Values& values) override;
    /// Some of them are not behind a Unix socket.
    bool asks_network() const;
};

}  // namespace facteur::policyd
