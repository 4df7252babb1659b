#pragma once

#include <set>
#include <string>

#include "lib/config/common.h"
#include "lib/config/dns.h"

namespace facteur::policyd {

struct Settings : conf::Common {
    conf::Param<conf::Seconds> anvil_rate_time_unit{
        params, "anvil_rate_time_unit", conf::Seconds(60), conf::at_least(conf::Seconds(1)),
        "The time over which events are counted for the rate limits."};
    conf::Param<int> connection_rate{
        params, "smtpd_client_connection_rate_limit", 0,
        "Connections that one client may make per $anvil_rate_time_unit; 0: no limit."};
    conf::Param<int> message_rate{
        params, "smtpd_client_message_rate_limit", 0,
        "Messages that one client may send per $anvil_rate_time_unit; 0: no limit."};
    conf::Param<int> recipient_rate{
        params, "smtpd_client_recipient_rate_limit", 0,
        "Recipients that one client may name per $anvil_rate_time_unit; 0: no limit."};
    conf::Param<int> auth_rate{
        params, "smtpd_client_auth_rate_limit", 0,
        "AUTH commands that one client may send per $anvil_rate_time_unit; 0: no limit."};
    conf::Param<int> tls_rate{
        params, "smtpd_client_new_tls_session_rate_limit", 0,
        "TLS sessions that one client may begin per $anvil_rate_time_unit; 0: no limit."};
    conf::Param<int> login_message_rate{
        params, "smtpd_login_message_rate_limit", 0,
        "Messages that one authenticated user may send per $anvil_rate_time_unit, from wherever; "
        "0: no limit."};
    conf::Param<int> login_recipient_rate{
        params, "smtpd_login_recipient_rate_limit", 0,
        "Recipients that one authenticated user may name per $anvil_rate_time_unit, from "
        "wherever; 0: no limit."};
    conf::Param<conf::List> exceptions{
        params, "smtpd_client_event_limit_exceptions", "$mynetworks",
        "Clients that are not limited: a list of names, networks, files and tables."};
    conf::Param<int> ipv6_prefix{params, "smtpd_client_ipv6_prefix_length", 84,
                                 conf::Range<int>{1, 128},
                                 "How much of an IPv6 address tells one client from another."};
    conf::Param<int> counters{
        params, "policyd_counter_limit", 200000, conf::Range<int>{100, 100000000},
        "How many clients and users are counted at a time; the longest unseen are forgotten."};
    conf::Param<int> policy_connections{
        params, "policyd_service_connection_limit", 100, conf::Range<int>{1, 100000},
        "Questions that one policy server is asked at a time; the others wait."};
    conf::DnsSettings dns{*this};

    /// "inet:…" and "unix:…" wherever main.cf and master.cf name them: the only policy servers that
    /// are asked.
    std::set<std::string> policy_servers;
    void loaded(const conf::MainCf& file, const conf::Values& values) override;
    /// Some of them are not behind a Unix socket.
    bool asks_network() const;
};

}  // namespace facteur::policyd
