#pragma once

#include <string>

#include "lib/config/param.h"

namespace facteur::smtpd {

/// What commands are taken, and how their replies look.
struct CommandSettings : conf::Section {
    explicit CommandSettings(Section& outer) : Section(outer) {}
    conf::Param<conf::List> forbidden{params, "smtpd_forbidden_commands", "CONNECT GET POST",
                                      "Commands that end the session: they are not SMTP's."};
    conf::Param<conf::List> noop{params, "smtpd_noop_commands", "",
                                 "Commands that do nothing: they are answered like NOOP."};
    conf::Param<conf::List> filter{
        params, "smtpd_command_filter", "",
        "Tables that replace a command line before it is read, by the whole line."};
    conf::Param<conf::List> discard_keywords{params, "smtpd_discard_ehlo_keywords", "",
                                             "EHLO keywords, in any case, that are not offered."};
    conf::Param<conf::List> discard_keyword_maps{
        params, "smtpd_discard_ehlo_keyword_address_maps", "",
        "Tables with such keywords by the client's address; they replace the others."};
    conf::Param<bool> soft_bounce{
        params, "soft_bounce", false,
        "Whether every refusal is a temporary one: 4xx in the place of 5xx."};
    conf::Param<conf::Raw> footer{
        params, "smtpd_reject_footer", "",
        "A text that follows each 4xx and 5xx reply: \\n begins a line, \\c at its start goes on "
        "in the same one; with $client, $client_address, $client_name, $client_port, $helo_name, "
        "$localtime, $mail_name, $myhostname, $recipient, $sender, $server_name and the like."};
    conf::Param<conf::List> footer_maps{
        params, "smtpd_reject_footer_maps", "",
        "Tables with such texts, by the whole reply; they replace smtpd_reject_footer."};
    conf::Param<std::string> expansion_filter{
        params, "smtpd_expansion_filter",
        R"(\t\40!"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`)"
        R"(abcdefghijklmnopqrstuvwxyz{|}~)",
        "The characters that values from clients may have in replies; others become _."};
    conf::Param<bool> disable_expn{
        params, "disable_expn_command", true,
        "Whether EXPN is switched off, which tells who is behind an alias or a list."};
    conf::Param<conf::List> dns_reply_filter{
        params, "smtpd_dns_reply_filter", "",
        "Tables that say IGNORE to records of the name service that smtpd is not to see, by their "
        "text: name ttl class type value."};
    conf::Param<conf::List> flush_domains{
        params, "fast_flush_domains", "$relay_domains",
        "The domains whose mail ETRN may ask for, which is then sent at once."};
    conf::Param<conf::Seconds> starttls_timeout{
        params, "smtpd_starttls_timeout", conf::Default("${stress?{10}:{300}}s"),
        conf::at_least(conf::Seconds(1)), "How long a TLS handshake may take."};
    conf::Param<bool> port_logging{params, "smtpd_client_port_logging", false,
                                   "Whether the client's port is logged behind its address."};
    conf::Param<conf::List> log_permits{
        params, "smtpd_log_access_permit_actions", "",
        "The restrictions and access actions that permit and are logged: names, \"!name\", or "
        "static:all for all of them."};
};

}  // namespace facteur::smtpd
