#pragma once

#include "lib/config/param.h"

namespace facteur::conf {

std::string hostname_of_system(const Values& values);
std::string domain_of_myhostname(const Values& values);
std::string networks_of_style(const Values& values);

/// What several daemons need, declared once.  A daemon's Settings derive from it.
struct Common : Section {
    Param<std::string> myhostname{
        params, "myhostname", Derived(&hostname_of_system),
        "The Internet host name of this mail system, a fully qualified domain name."};
    Param<std::string> mydomain{
        params, "mydomain", Derived(&domain_of_myhostname),
        "The Internet domain of this mail system; by default $myhostname without its first label."};
    Param<std::string> myorigin{params, "myorigin", "$myhostname",
                                "The domain that is appended to an address without one."};
    Param<List> mydestination{
        params, "mydestination", "$myhostname, localhost.$mydomain, localhost",
        "The domains whose mail is delivered by $local_transport, to system users and aliases."};
    Param<List> mynetworks{
        params, "mynetworks", Derived(&networks_of_style),
        "The networks whose clients may relay through this host, or /file/name or type:table."};
    Param<std::string> mynetworks_style{
        params, "mynetworks_style", "${{$compatibility_level} <level {2} ? {subnet} : {host}}",
        "How the default of $mynetworks is made: host, subnet or class."};
    Param<List> inet_interfaces{
        params, "inet_interfaces", "all",
        "The network addresses on which mail is received: all, loopback-only, or a list."};
    Param<List> inet_protocols{params, "inet_protocols", "all",
                               "The Internet protocols that are used: all, ipv4, ipv6, or both."};
    Param<std::string> compatibility_level{
        params, "compatibility_level", "3.6",
        "The level of Postfix defaults that this configuration was written for."};
    Param<std::string> queue_directory{
        params, "queue_directory", "/var/spool/facteur",
        "The spool, working directory of every daemon and root of those that run in a chroot."};
    Param<std::string> config_directory{params, "config_directory", "/etc/facteur",
                                        "Where main.cf and master.cf are."};
    Param<std::string> daemon_directory{params, "daemon_directory", "/usr/libexec/facteur",
                                        "Where the programs of the daemons are."};
    Param<std::string> mail_name{
        params, "mail_name", "Facteur",
        "The name of the mail system in Received: fields, greetings and bounces."};
    Param<std::string> mail_version{params, "mail_version", "0.1",
                                    "The version of the mail system, for use in other values."};
    Param<std::string> syslog_name{params, "syslog_name", "facteur",
                                   "The name before the slash in log lines: facteur/smtpd."};
    Param<std::string> recipient_delimiter{
        params, "recipient_delimiter", "",
        "The characters that separate a user name from its extension: user+folder@domain."};
    Param<std::string> empty_address_recipient{params, "empty_address_recipient", "MAILER-DAEMON",
                                               "Who receives mail for the null address <>."};
    Param<Size> message_size_limit{
        params, "message_size_limit", 10240000,
        "The largest message that is accepted, in bytes, with its header; 0 is no limit."};
    Param<List> parent_domain_matches_subdomains{
        params, "parent_domain_matches_subdomains",
        "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,"
        "qmqpd_authorized_clients,relay_domains,smtpd_access_maps",
        "The parameters in which \"domain\" also matches its subdomains, rather than \".domain\"."};
    Param<List> mail_directories{
        params, "mail_directories", "/home, /srv/mail, /var/mail, /var/vmail",
        "Folders below which users have their mail, besides $mail_home and $mail_location: the "
        "only ones that the sandbox of the daemons that handle mailboxes opens."};
    Param<int> line_length_limit{
        params, "line_length_limit", 2048, Range<int>{256, 1 << 20},
        "The longest line that is kept in memory, in bytes, where no protocol says otherwise."};
    Param<bool> smtputf8_enable{
        params, "smtputf8_enable", false,
        "Whether addresses and header fields in UTF-8 are supported (RFC 6531)."};
    Param<List> alias_database{params, "alias_database", "hash:/etc/aliases",
                               "The alias files that newaliases makes databases of."};
    Param<std::string> default_database_type{
        params, "default_database_type", "hash",
        "The type of database that postmap and postalias make when none is named."};
    Param<Seconds> ipc_timeout{params, "ipc_timeout", Seconds(3600), at_least(Seconds(1)),
                               "How long a daemon waits for an answer from another one."};
};

}  // namespace facteur::conf
