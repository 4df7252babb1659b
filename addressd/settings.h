#pragma once

#include <map>
#include <set>
#include <string>

#include "addressd/rewriting_settings.h"
#include "lib/config/alias_settings.h"
#include "lib/config/common.h"
#include "lib/config/message_settings.h"
#include "lib/config/proxy_interfaces.h"
#include "lib/table/address_keys.h"

namespace facteur::addressd {

struct Settings : conf::Common {
    // Rewriting to the standard form user@fully.qualified.domain.
    conf::Param<bool> append_at_myorigin{params, "append_at_myorigin", true,
                                         "Append \"@$myorigin\" to an address without domain."};
    conf::Param<bool> append_dot_mydomain{
        params, "append_dot_mydomain",
        conf::Default("${{$compatibility_level} <level {1} ? {yes} : {no}}"),
        "Append \".$mydomain\" to a domain without a dot."};
    conf::Param<bool> swap_bangpath{params, "swap_bangpath", true,
                                    "Read \"site!user\" as \"user@site\"."};
    conf::Param<bool> allow_percent_hack{params, "allow_percent_hack", true,
                                         "Read \"user%domain\" as \"user@domain\"."};

    // Which domains are ours.
    conf::ProxyInterfaces proxy_interfaces{*this};
    conf::Param<conf::List> virtual_alias_domains{
        params, "virtual_alias_domains", "$virtual_alias_maps",
        "Domains whose addresses are all aliases for addresses elsewhere."};
    conf::Param<conf::List> virtual_mailbox_domains{
        params, "virtual_mailbox_domains", "$virtual_mailbox_maps",
        "Domains whose mail is delivered by $virtual_transport to users without system account."};
    conf::Param<conf::List> relay_domains{
        params, "relay_domains", "${{$compatibility_level} <level {2} ? {$mydestination} : {}}",
        "Domains for which this host relays mail, as backup MX or as gateway."};

    // Which of their addresses exist.
    conf::Param<conf::List> local_recipient_maps{
        params, "local_recipient_maps", "unix:passwd.byname $alias_maps auth:",
        "Tables with all recipients in $mydestination; empty: every address is accepted."};
    conf::Param<conf::List> virtual_maps{
        params, "virtual_maps", "", "The name that virtual_alias_maps had before Postfix 2.0."};
    conf::Param<conf::List> virtual_alias_maps{
        params, "virtual_alias_maps", "$virtual_maps",
        "Tables that send mail for an address to other addresses."};
    conf::Param<conf::List> virtual_mailbox_maps{
        params, "virtual_mailbox_maps", "",
        "Tables with all recipients in $virtual_mailbox_domains; empty: every address is "
        "accepted.  auth: has the users that authd knows."};
    conf::Param<conf::List> relay_recipient_maps{
        params, "relay_recipient_maps", "",
        "Tables with all recipients in $relay_domains; empty: every address is accepted."};

    // Mapping.
    conf::Param<conf::List> canonical_maps{
        params, "canonical_maps", "",
        "Tables that replace addresses of senders and recipients, as $canonical_classes says."};
    conf::Param<conf::List> sender_canonical_maps{
        params, "sender_canonical_maps", "",
        "Tables that replace addresses of senders, as $sender_canonical_classes says."};
    conf::Param<conf::List> recipient_canonical_maps{
        params, "recipient_canonical_maps", "",
        "Tables that replace addresses of recipients, as $recipient_canonical_classes says."};
    conf::Param<int> virtual_alias_recursion_limit{params, "virtual_alias_recursion_limit", 1000,
                                                   conf::Range<int>{1, 100000},
                                                   "How deep virtual aliases may nest."};
    conf::Param<int> virtual_alias_expansion_limit{
        params, "virtual_alias_expansion_limit", 1000, conf::Range<int>{1, 1000000},
        "How many addresses one recipient may expand to."};
    conf::Param<int> virtual_alias_address_length_limit{
        params, "virtual_alias_address_length_limit", 1000, conf::Range<int>{64, 100000},
        "The longest address that virtual aliases may produce."};

    conf::AddressSettings syntax{*this};
    RewritingSettings rewriting{*this};
    SrsSettings srs{*this};

    // Routing.
    conf::Param<std::string> empty_address_relayhost_maps_lookup_key{
        params, "empty_address_relayhost_maps_lookup_key", "<>",
        "What $sender_dependent_relayhost_maps are asked for the null sender."};
    conf::Param<std::string> empty_address_default_transport_maps_lookup_key{
        params, "empty_address_default_transport_maps_lookup_key", "<>",
        "What $sender_dependent_default_transport_maps are asked for the null sender."};
    VerifySettings verify{*this};
    conf::Param<conf::List> transport_maps{
        params, "transport_maps", "",
        "Tables that give the transport and next hop for an address or domain."};
    conf::Param<std::string> relayhost{
        params, "relayhost", "",
        "The next hop for mail to other systems: a domain, [host] or [host]:port; empty: the "
        "recipient's domain."};
    conf::Param<conf::List> sender_dependent_relayhost_maps{
        params, "sender_dependent_relayhost_maps", "",
        "Tables that give a relayhost by the address of the sender."};
    conf::Param<conf::List> sender_dependent_default_transport_maps{
        params, "sender_dependent_default_transport_maps", "",
        "Tables that give a default_transport by the address of the sender."};
    conf::Param<std::string> local_transport{
        params, "local_transport", "local:$myhostname",
        "How mail for $mydestination is delivered: transport:nexthop."};
    conf::Param<std::string> virtual_transport{
        params, "virtual_transport", "virtual",
        "How mail for $virtual_mailbox_domains is delivered: transport:nexthop."};
    conf::Param<std::string> relay_transport{
        params, "relay_transport", "relay",
        "How mail for $relay_domains is delivered: transport:nexthop."};
    conf::Param<std::string> default_transport{
        params, "default_transport", "smtp", "How all other mail is delivered: transport:nexthop."};

    // aliases(5).
    conf::Param<conf::List> alias_maps{
        params, "alias_maps", "hash:/etc/aliases",
        "Tables with aliases of local users; aliases:/file reads the text file itself."};
    conf::AliasSettings aliases{*this};
    conf::Param<int> alias_recursion_limit{params, "alias_recursion_limit", 100,
                                           conf::Range<int>{1, 10000},
                                           "How deep aliases and :include: files may nest."};
    conf::Param<int> alias_expansion_limit{params, "alias_expansion_limit", 10000,
                                           conf::Range<int>{1, 1000000},
                                           "How many recipients one alias may expand to."};
    conf::Param<bool> expand_owner_alias{
        params, "expand_owner_alias", false,
        "Whether mail to an alias with an owner- alias goes on with what that alias expands to as "
        "its sender, instead of the owner- address itself."};
    conf::Param<bool> reset_owner_alias{
        params, "reset_owner_alias", false,
        "Whether an alias without an owner- alias inside one that has it goes on with the original "
        "sender, rather than with the outer owner."};
    conf::Param<int> duplicate_filter_limit{
        params, "duplicate_filter_limit", 1000, conf::Range<int>{0, 10'000'000},
        "How many addresses of one expansion are remembered so that each gets the mail once; 0 is "
        "no limit."};
    conf::Param<conf::Seconds> address_cache_time{
        params, "address_cache_time", conf::Seconds(5), conf::at_least(conf::Seconds(0)),
        "How long other daemons may keep an answer from the tables."};

    conf::Param<int> table_client_connections{params, "table_client_connections", 8,
                                              conf::Range<int>{1, 1000},
                                              "How many connections one table (ldap:, pgsql:, "
                                              "tcp:, ...) may have to its servers; further "
                                              "lookups wait for their turn."};
    conf::Param<conf::Seconds> table_client_timeout{
        params, "table_client_timeout", conf::Seconds(30), conf::at_least(conf::Seconds(1)),
        "How long the server of a table may take to connect or to answer, where the table's own "
        "file says nothing."};

    /// Tables that main.cf or master.cf name anywhere: the only ones that others may ask.
    std::set<std::string> named_tables;
    /// Files and folders that lists and tables in main.cf or master.cf name.
    std::set<std::string> named_files;
    /// What main.cf sets, expanded: tables like ldap:name have their parameters there.
    std::map<std::string, std::string> written;
    /// One of the tables asks a server.
    bool asks_servers = false;
    void loaded(const conf::MainCf& file, const conf::Values& values) override;
    /// Where user names end and their extensions begin.
    table::Delimiters delimiters() const {
        return table::Delimiters(recipient_delimiter(), aliases.owner_request_special());
    }

private:
    void note_names(const std::string& value);
    void note_table(const std::string& type_and_name);
};

}  // namespace facteur::addressd
