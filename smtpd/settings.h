#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/config/common.h"
#include "lib/config/dns.h"
#include "lib/config/message_settings.h"
#include "lib/config/proxy_interfaces.h"
#include "smtpd/command_settings.h"
#include "smtpd/extension_settings.h"
#include "smtpd/filter_settings.h"
#include "smtpd/restriction_param.h"
#include "smtpd/screen_settings.h"
#include "smtpd/tempfail.h"
#include "smtpd/tls_settings.h"
#include "smtpd/verify_settings.h"

namespace facteur::smtpd {

using conf::List;
using conf::Param;
using conf::Range;
using conf::Seconds;
using conf::Size;

/// smtpd_forbid_bare_newline.  None of them lets a bare newline end the data.
enum class BareNewline : std::uint8_t { accept, note, normalize, reject };

/// How policy servers are asked; check_policy_service may say otherwise in braces.
struct PolicySettings : conf::Section {
    PolicySettings() = default;
    explicit PolicySettings(Section& outer) : Section(outer) {}
    Param<std::string> default_action{
        params, "smtpd_policy_service_default_action", "451 4.3.5 Server configuration problem",
        "What happens when a policy server cannot be asked: as in an access table."};
    Param<Seconds> max_idle{params, "smtpd_policy_service_max_idle", Seconds(300),
                            "How long an idle connection to a policy server is kept."};
    Param<Seconds> max_ttl{params, "smtpd_policy_service_max_ttl", Seconds(1000),
                           "How long a connection to a policy server is used."};
    Param<int> request_limit{params, "smtpd_policy_service_request_limit", 0,
                             "Questions over one connection to a policy server; 0 is no limit."};
    Param<Seconds> retry_delay{params, "smtpd_policy_service_retry_delay", Seconds(1),
                               conf::at_least(Seconds(1)),
                               "The pause before a policy server is asked again."};
    Param<Seconds> timeout{params, "smtpd_policy_service_timeout", Seconds(100),
                           conf::at_least(Seconds(1)),
                           "How long one attempt to ask a policy server may take."};
    Param<int> try_limit{params, "smtpd_policy_service_try_limit", 2, Range<int>{1, 1000000},
                         "How often a policy server is asked before the question has failed."};
    Param<std::string> context{params, "smtpd_policy_service_policy_context", "",
                               "The attribute policy_context of questions to policy servers."};
};

/// Who may do what: the restriction lists and what belongs to them.
struct RestrictionSettings : conf::Section {
    explicit RestrictionSettings(Section& outer) : Section(outer) {}
    Param<List> classes{params, "smtpd_restriction_classes", "",
                        "Names of parameters that hold restriction lists: such a name may stand "
                        "in any other list and in access tables."};
    Param<Restrictions> client{params, "smtpd_client_restrictions", classes, "",
                               "Restrictions that apply to a client when it connects."};
    Param<Restrictions> helo{params, "smtpd_helo_restrictions", classes, "",
                             "Restrictions that apply to the name given with HELO or EHLO."};
    Param<Restrictions> sender{params, "smtpd_sender_restrictions", classes, "",
                               "Restrictions that apply to the sender given with MAIL FROM."};
    Param<Restrictions> relay{
        params, "smtpd_relay_restrictions", classes,
        "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
        "Restrictions on relaying, applied to each recipient before the others."};
    Param<Restrictions> recipient{params, "smtpd_recipient_restrictions", classes, "",
                                  "Restrictions that apply to each recipient given with RCPT TO."};
    Param<Restrictions> data{params, "smtpd_data_restrictions", classes, "",
                             "Restrictions that apply when DATA or BDAT is given."};
    Param<Restrictions> end_of_data{params, "smtpd_end_of_data_restrictions", classes, "",
                                    "Restrictions that apply once the content has been received."};
    Param<Restrictions> etrn{params, "smtpd_etrn_restrictions", classes, "",
                             "Restrictions that apply to ETRN (RFC 1985)."};
    Param<List> mx_backup_networks{
        params, "permit_mx_backup_networks", "",
        "Networks in one of which the best MX host of a domain must be for permit_mx_backup."};
    Param<bool> delay{params, "smtpd_delay_reject", true,
                      "Whether client, helo and sender restrictions wait for RCPT TO."};
    Param<bool> relay_first{
        params, "smtpd_relay_before_recipient_restrictions", true,
        "Whether smtpd_relay_restrictions come before smtpd_recipient_restrictions."};
    Param<bool> unlisted_recipient{params, "smtpd_reject_unlisted_recipient", true,
                                   "Whether unknown recipients in our own domains are refused."};
    Param<bool> unlisted_sender{params, "smtpd_reject_unlisted_sender", false,
                                "Whether unknown senders in our own domains are refused."};
    Param<List> login_maps{params, "smtpd_sender_login_maps", "",
                           "Tables with the SASL logins that own a sender address."};
    Param<conf::Raw> dnsbl_reply{
        params, "default_rbl_reply",
        "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain"
        "${rbl_reason?; $rbl_reason}",
        "The reply for what a DNS list has, with $rbl_code, $rbl_class, $rbl_what, $rbl_domain, "
        "$rbl_reason, $client, $client_address, $client_name, $reverse_client_name, $helo_name, "
        "$sender, $sender_domain, $sender_name, $recipient, $recipient_domain, $recipient_name."};
    Param<List> dnsbl_reply_maps{params, "rbl_reply_maps", "",
                                 "Tables with such replies, by the domain of the DNS list."};
    Param<int> plaintext_code{params, "plaintext_reject_code", 450, Range<int>{400, 599},
                              "The reply code for reject_plaintext_session."};
    Param<int> multi_recipient_bounce_code{params, "multi_recipient_bounce_reject_code", 550,
                                           Range<int>{400, 599},
                                           "The reply code for reject_multi_recipient_bounce."};
    Param<Tempfail> tempfail{
        params, "reject_tempfail_action", Tempfail::defer_if_permit, kTempfails,
        "What happens when a reject_* restriction cannot be decided: defer now, or "
        "defer_if_permit, later if nothing else refuses."};
    Param<Tempfail> address_tempfail{
        params, "unknown_address_tempfail_action", Tempfail::inherited, kTempfails,
        "The same for reject_unknown_sender_domain and reject_unknown_recipient_domain."};
    Param<Tempfail> helo_tempfail{params, "unknown_helo_hostname_tempfail_action",
                                  Tempfail::inherited, kTempfails,
                                  "The same for reject_unknown_helo_hostname."};
    Param<bool> untrusted_routing{
        params, "allow_untrusted_routing", false,
        "Whether mail for user%other@domain is taken for domains that we are not the end of."};
    Param<bool> show_table{params, "show_user_unknown_table_name", true,
                           "Whether \"User unknown\" tells in which table."};
    Param<std::string> null_key{params, "smtpd_null_access_lookup_key", "<>",
                                "What access tables are asked for the null sender."};
    Param<int> dnsbl_code{params, "maps_rbl_reject_code", 554, Range<int>{400, 599},
                          "The reply code for what a DNS list has."};
    Param<int> access_code{params, "access_map_reject_code", 554, Range<int>{400, 599},
                           "The reply code for REJECT in an access table."};
    Param<int> access_defer_code{
        params, "access_map_defer_code", 450, Range<int>{400, 499},
        "The reply code for DEFER, DEFER_IF_PERMIT and DEFER_IF_REJECT in an access table."};
    Param<int> reject_code{params, "reject_code", 554, Range<int>{400, 599},
                           "The reply code for the restriction \"reject\"."};
    Param<int> defer_code{params, "defer_code", 450, Range<int>{400, 499},
                          "The reply code for the restriction \"defer\"."};
    Param<int> relay_code{params, "relay_domains_reject_code", 554, Range<int>{400, 599},
                          "The reply code for refused relaying."};
    Param<int> invalid_hostname_code{params, "invalid_hostname_reject_code", 501,
                                     Range<int>{400, 599},
                                     "The reply code for reject_invalid_helo_hostname."};
    Param<int> non_fqdn_code{params, "non_fqdn_reject_code", 504, Range<int>{400, 599},
                             "The reply code for the reject_non_fqdn_* restrictions."};
    Param<int> unknown_address_code{params, "unknown_address_reject_code", 450,
                                    Range<int>{400, 599},
                                    "The reply code for domains without MX and A records."};
    Param<int> unknown_client_code{params, "unknown_client_reject_code", 450, Range<int>{400, 599},
                                   "The reply code for clients without a name."};
    Param<int> unknown_hostname_code{params, "unknown_hostname_reject_code", 450,
                                     Range<int>{400, 599},
                                     "The reply code for HELO names without DNS records."};
    Param<int> unlisted_local_code{params, "unknown_local_recipient_reject_code", 550,
                                   Range<int>{400, 599},
                                   "The reply code for unknown users of $mydestination."};
    Param<int> unlisted_virtual_alias_code{
        params, "unknown_virtual_alias_reject_code", 550, Range<int>{400, 599},
        "The reply code for unknown users of $virtual_alias_domains."};
    Param<int> unlisted_virtual_mailbox_code{
        params, "unknown_virtual_mailbox_reject_code", 550, Range<int>{400, 599},
        "The reply code for unknown users of $virtual_mailbox_domains."};
    Param<int> unlisted_relay_code{params, "unknown_relay_recipient_reject_code", 550,
                                   Range<int>{400, 599},
                                   "The reply code for unknown users of $relay_domains."};

    /// The lists of the restriction classes, and what is wrong with them.
    std::map<std::string, Restrictions, std::less<>> class_lists;
    std::vector<std::pair<std::string, std::string>> class_problems;
    void load_classes(const conf::MainCf& file, const conf::Values& values);
};

/// Nothing that a stranger sends can grow without one of these.
struct LimitSettings : conf::Section {
    explicit LimitSettings(Section& outer) : Section(outer) {}
    Param<Seconds> timeout{params, "smtpd_timeout", Seconds(300), conf::at_least(Seconds(1)),
                           "Total time for receiving one command and sending its reply "
                           "(RFC 5321 section 4.5.3.2.7)."};
    Param<int> min_data_rate{
        params, "smtpd_min_data_rate", 500, Range<int>{1, 1 << 30},
        "Bytes a second of content below which a client is disconnected; in any case it has "
        "$smtpd_timeout."};
    Param<int> recipients{params, "smtpd_recipient_limit", 1000, Range<int>{1, 1000000},
                          "Recipients per message; RFC 5321 section 4.5.3.1.8 asks for 100."};
    Param<int> recipient_overshoot{
        params, "smtpd_recipient_overshoot_limit", 1000, Range<int>{1, 1000000},
        "Recipients beyond smtpd_recipient_limit before they count as errors."};
    Param<int> soft_errors{params, "smtpd_soft_error_limit", 10, Range<int>{1, 1000000},
                           "Errors after which each reply to an error is delayed."};
    Param<int> hard_errors{params, "smtpd_hard_error_limit", 20, Range<int>{1, 1000000},
                           "Errors after which the client is disconnected."};
    Param<Seconds> error_sleep{params, "smtpd_error_sleep_time", Seconds(1),
                               "The delay of each reply past smtpd_soft_error_limit."};
    Param<int> junk_commands{
        params, "smtpd_junk_command_limit", 100, Range<int>{1, 1000000},
        "NOOP, VRFY, RSET and the like between two messages before they count as errors."};
    Param<int> connections{params, "smtpd_sessions_per_process", 5000, Range<int>{1, 1000000},
                           "Sessions that one process serves at a time."};
    Param<int> per_client{params, "smtpd_client_connection_count_limit", 50, Range<int>{0, 1000000},
                          "Connections at a time from one client, over all processes; 0: no "
                          "limit."};
    Param<int> connection_rate{
        params, "smtpd_client_connection_rate_limit", 0,
        "Connections that one client may make per $anvil_rate_time_unit; 0: no limit."};
    Param<int> message_rate{
        params, "smtpd_client_message_rate_limit", 0,
        "Messages that one client may send per $anvil_rate_time_unit; 0: no limit."};
    Param<int> recipient_rate{
        params, "smtpd_client_recipient_rate_limit", 0,
        "Recipients that one client may name per $anvil_rate_time_unit; 0: no limit."};
    Param<int> auth_rate{
        params, "smtpd_client_auth_rate_limit", 0,
        "AUTH commands that one client may send per $anvil_rate_time_unit; 0: no limit."};
    Param<int> tls_rate{
        params, "smtpd_client_new_tls_session_rate_limit", 0,
        "TLS sessions that one client may begin per $anvil_rate_time_unit; 0: no limit."};
    Param<List> exceptions{params, "smtpd_client_event_limit_exceptions", "$mynetworks",
                           "Clients that are not limited: a list of names, networks, files and "
                           "tables."};
    Param<int> ipv4_prefix{params, "smtpd_client_ipv4_prefix_length", 32, Range<int>{1, 32},
                           "How much of an IPv4 address tells one client from another."};
    Param<int> ipv6_prefix{params, "smtpd_client_ipv6_prefix_length", 84, Range<int>{1, 128},
                           "How much of an IPv6 address tells one client from another."};
    Param<Seconds> submit_timeout{
        params, "smtpd_submit_timeout", Seconds(60), conf::at_least(Seconds(1)),
        "How long an accepted content is offered to the queue before the client hears 451."};
};

struct SaslSettings : conf::Section {
    explicit SaslSettings(Section& outer) : Section(outer) {}
    Param<bool> enable{params, "smtpd_sasl_auth_enable", false,
                       "Whether clients may authenticate with AUTH (RFC 4954)."};
    Param<List> exceptions{params, "smtpd_sasl_exceptions_networks", "",
                           "Networks to whose clients AUTH is not offered."};
    Param<std::string> service{params, "smtpd_sasl_service", "smtp",
                               "The name of the service that authd is told."};
    Param<int> response_limit{params, "smtpd_sasl_response_limit", 12288, Range<int>{12, 65536},
                              "The longest line of a client's response (RFC 4954 section 4)."};
    Param<List> mechanism_filter{
        params, "smtpd_sasl_mechanism_filter", "!external, static:rest",
        "The mechanisms that are offered: names, tables, \"!name\"; the first that matches "
        "decides."};
    Param<List> security_options{
        params, "smtpd_sasl_security_options", "noanonymous",
        "What the mechanisms that are offered must have: noplaintext, noactive, nodictionary, "
        "noanonymous, forward_secrecy, mutual_auth."};
    Param<List> tls_security_options{params, "smtpd_sasl_tls_security_options",
                                     "$smtpd_sasl_security_options", "The same inside TLS."};
    Param<bool> broken_clients{params, "broken_sasl_auth_clients", false,
                               "Whether AUTH is offered in the form \"AUTH=\" too, which some old "
                               "clients want."};
    Param<bool> header{params, "smtpd_sasl_authenticated_header", false,
                       "Whether Received: tells the SASL login name."};
};

/// Everything about the SMTP server.
struct Settings : conf::Common {
    Param<std::string> banner{params, "smtpd_banner", "$myhostname ESMTP $mail_name",
                              "Text after the 220 of the greeting."};
    Param<bool> helo_required{params, "smtpd_helo_required", false,
                              "Whether a client must say HELO or EHLO before MAIL."};
    Param<bool> strict_envelopes{
        params, "strict_rfc821_envelopes", false,
        "Whether addresses in MAIL and RCPT must be in angle brackets, and nothing else."};
    Param<bool> disable_vrfy{params, "disable_vrfy_command", false,
                             "Whether VRFY is switched off."};
    Param<bool> forbid_pipelining{
        params, "smtpd_forbid_unauth_pipelining", true,
        "Whether a client that talks before its turn is disconnected (RFC 5321, RFC 2920)."};
    Param<BareNewline> bare_newline{
        params, "smtpd_forbid_bare_newline", BareNewline::reject,
        conf::Choices<BareNewline>{{"no", BareNewline::accept},
                                   {"note", BareNewline::note},
                                   {"normalize", BareNewline::normalize},
                                   {"yes", BareNewline::normalize},
                                   {"reject", BareNewline::reject}},
        "What happens to content with CR or LF alone, which is how messages are smuggled; none "
        "of the choices lets it end the data."};
    Param<List> bare_newline_exclusions{
        params, "smtpd_forbid_bare_newline_exclusions", "$mynetworks",
        "Networks whose clients get \"normalize\" where smtpd_forbid_bare_newline says reject."};
    Param<int> bare_newline_code{params, "smtpd_forbid_bare_newline_reject_code", 550,
                                 Range<int>{400, 599},
                                 "The reply code for content with CR or LF alone."};
    conf::MessageSettings message{*this};
    conf::AddressSettings addresses{*this};
    Param<List> xclient_hosts{
        params, "smtpd_authorized_xclient_hosts", "",
        "Clients that may say with XCLIENT for whom they speak: a list of names, networks, files "
        "and tables."};
    Param<List> xforward_hosts{
        params, "smtpd_authorized_xforward_hosts", "",
        "Clients that may say with XFORWARD from whom mail came: a list likewise."};
    Param<std::string> upstream{
        params, "smtpd_upstream_proxy_protocol", "",
        "The protocol of the proxy before this server: haproxy (versions 1 and 2), or empty."};
    Param<Seconds> upstream_timeout{params, "smtpd_upstream_proxy_timeout", Seconds(5),
                                    conf::at_least(Seconds(1)),
                                    "How long the proxy's header may take."};
    Param<List> upstream_networks{
        params, "haproxy_trusted_networks", "",
        "The only networks from which a proxy is believed where one stands before this server; "
        "empty: whoever can connect."};
    Param<bool> peername_lookup{params, "smtpd_peername_lookup", true,
                                "Whether the client's name is looked up in the DNS."};
    Param<List> rewrite_clients{
        params, "local_header_rewrite_clients", "permit_inet_interfaces",
        "Whose messages get missing Date:, From: and Message-ID: fields: permit_inet_interfaces, "
        "permit_mynetworks, permit_sasl_authenticated."};
    Param<bool> add_missing{
        params, "always_add_missing_headers", false,
        "Whether missing Date:, From: and Message-ID: fields are always added."};
    Param<bool> log_message_id{params, "smtpd_log_message_id", true,
                               "Whether the Message-ID: of each accepted message is logged."};

    conf::DnsSettings dns{*this};
    conf::ProxyInterfaces proxy_interfaces{*this};
    RestrictionSettings restrictions{*this};
    PolicySettings policy{*this};
    LimitSettings limits{*this};
    CommandSettings commands{*this};
    TlsSettings tls{*this};
    SaslSettings sasl{*this};
    ScreenSettings screen{*this};
    VerifySettings verify{*this};

    /// At which this host receives mail, as text: inet_interfaces and proxy_interfaces.
    std::vector<std::string> own_addresses;
    void learn_own_addresses();
    ExtensionSettings extensions{*this};
    FilterSettings filters{*this};

    void loaded(const conf::MainCf& file, const conf::Values& values) override {
        restrictions.load_classes(file, values);
        learn_own_addresses();
        tls.follow_older_names();
    }
};

}  // namespace facteur::smtpd
