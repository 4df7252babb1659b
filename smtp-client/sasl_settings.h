#pragma once

#include "lib/config/param.h"

namespace facteur::smtp_client {

/// Logging in to servers.
struct SaslSettings : conf::Section {
    explicit SaslSettings(Section& outer) : Section(outer) {}
    conf::Param<bool> enable{params, "smtp_sasl_auth_enable", false,
                             "Whether to log in to servers that smtp_sasl_password_maps has."};
    conf::Param<conf::List> password_maps{
        params, "smtp_sasl_password_maps", "",
        "Tables with \"user:password\" by server name or by next hop as it is configured, and by "
        "sender when smtp_sender_dependent_authentication is set."};
    conf::Param<bool> by_sender{
        params, "smtp_sender_dependent_authentication", false,
        "Look up the password by sender first. Connections are then not kept for other messages."};
    conf::Param<conf::List> security_options{
        params, "smtp_sasl_security_options", "noplaintext, noanonymous",
        "What a mechanism must withstand on a connection without TLS: noplaintext, noactive, "
        "nodictionary, noanonymous, mutual_auth."};
    conf::Param<conf::List> tls_security_options{params, "smtp_sasl_tls_security_options",
                                                 "$smtp_sasl_security_options",
                                                 "The same for connections with TLS."};
    conf::Param<conf::List> verified_security_options{
        params, "smtp_sasl_tls_verified_security_options", "$smtp_sasl_tls_security_options",
        "The same for connections with TLS to a server whose certificate was verified."};
    conf::Param<conf::List> mechanism_filter{
        params, "smtp_sasl_mechanism_filter", "",
        "The mechanisms that may be used: names, !names, files and tables; empty: all of "
        "SCRAM-SHA-256, SCRAM-SHA-1 (with -PLUS on TLSv1.3), CRAM-MD5, PLAIN, LOGIN, OAUTHBEARER "
        "and XOAUTH2."};
    conf::Param<bool> soft_bounce{
        params, "smtp_sasl_auth_soft_bounce", true,
        "Defer mail when a server refuses the password for good, rather than return it."};
    conf::Param<std::string> cache_name{
        params, "smtp_sasl_auth_cache_name", "",
        "When set, a password that a server refused (535) is not tried again there until it is "
        "changed or smtp_sasl_auth_cache_time has passed. That is kept in memory, whatever the "
        "name says, and forgotten at a reload."};
    conf::Param<conf::Seconds> cache_time{params, "smtp_sasl_auth_cache_time", conf::Default("90d"),
                                          conf::at_least(conf::Seconds(1)).in('d'),
                                          "How long a refused password is remembered."};
    conf::Param<int> cache_entries{params, "smtp_sasl_auth_cache_entries", 1000, conf::at_least(1),
                                   "How many refused passwords are remembered."};
    conf::Param<bool> dummy_mail_auth{
        params, "smtp_send_dummy_mail_auth", false,
        "Say AUTH=<> with MAIL FROM on a connection that is logged in (RFC 4954 section 5)."};
};

}  // namespace facteur::smtp_client
