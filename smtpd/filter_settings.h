#pragma once

#include <string>
#include <vector>

#include "lib/cleanup/settings.h"

namespace facteur::smtpd {

/// What looks at mail, or changes it, before it is queued.
struct FilterSettings : cleanup::Settings {
    using cleanup::Settings::Settings;
    conf::Param<conf::List> milters{
        params, "smtpd_milters", "",
        "Milters for mail that comes over SMTP: inet:host:port, unix:path, or { place, "
        "name=value, … } with connect_timeout, command_timeout, content_timeout, default_action "
        "and protocol."};
    conf::Param<conf::List> milter_maps{
        params, "smtpd_milter_maps", "",
        "Tables with other milters for a client's address, or DISABLE."};
    conf::Param<conf::List> overrides{
        params, "receive_override_options", "",
        "What is left out for mail from sendmail(1), and in a service of smtpd with -o for what "
        "comes in there: no_address_mappings, no_header_body_checks, no_milters, and "
        "no_unknown_recipient_checks in smtpd."};
    conf::Param<std::string> proxy_filter{
        params, "smtpd_proxy_filter", "",
        "host:port, inet:host:port or unix:path of an SMTP server that takes the mail instead of "
        "the queue, before the client hears an answer."};
    conf::Param<conf::List> proxy_options{
        params, "smtpd_proxy_options", "",
        "speed_adjust: the proxy filter is not bothered before the whole message is here."};
    conf::Param<conf::Seconds> proxy_timeout{
        params, "smtpd_proxy_timeout", conf::Seconds(100), conf::at_least(conf::Seconds(1)),
        "How long connecting to the proxy filter, and each command to it, may take."};
    conf::Param<std::string> proxy_ehlo{params, "smtpd_proxy_ehlo", "$myhostname",
                                        "The name that is said to the proxy filter with EHLO."};
    conf::Param<std::string> remote_rewrite_domain{
        params, "remote_header_rewrite_domain", "",
        "Not empty: strangers' messages get missing fields too, and this domain is appended to "
        "their addresses without one."};
    bool leaves_out(std::string_view what) const {
        for (const std::string& option : overrides())
            if (option == what) return true;
        return false;
    }
};

}  // namespace facteur::smtpd
