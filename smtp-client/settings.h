#pragma once

#include "lib/config/common.h"
#include "lib/config/dns.h"
#include "smtp-client/nexthop.h"
#include "smtp-client/sasl_settings.h"
#include "smtp-client/tls_settings.h"

namespace facteur::smtp_client {

/// Where the dialogue with one server may spend how long.
struct Timeouts : conf::Section {
    explicit Timeouts(Section& outer) : Section(outer) {}
    Param<conf::Seconds> connect{
        params, "smtp_connect_timeout", conf::Seconds(30),
        "How long to wait for a TCP connection; each address has its own."};
    Param<conf::Seconds> helo{params, "smtp_helo_timeout", conf::Seconds(300),
                              "How long to wait for the greeting, and for the answer to EHLO."};
    Param<conf::Seconds> starttls{params, "smtp_starttls_timeout", conf::Seconds(300),
                                  "How long a TLS handshake may take."};
    Param<conf::Seconds> mail{params, "smtp_mail_timeout", conf::Seconds(300),
                              "How long to wait for the answer to MAIL FROM."};
    Param<conf::Seconds> rcpt{params, "smtp_rcpt_timeout", conf::Seconds(300),
                              "How long to wait for the answer to RCPT TO."};
    Param<conf::Seconds> data_init{params, "smtp_data_init_timeout", conf::Seconds(120),
                                   "How long to wait for the answer to DATA."};
    Param<conf::Seconds> data_xfer{
        params, "smtp_data_xfer_timeout", conf::Seconds(180),
        "How long the server may take nothing of the message that is being sent."};
    Param<conf::Seconds> data_done{
        params, "smtp_data_done_timeout", conf::Seconds(600),
        "How long to wait for the answer to the end of the message (RFC 5321 section 4.5.3.2.6)."};
    Param<conf::Seconds> rset{params, "smtp_rset_timeout", conf::Seconds(20),
                              "How long to wait for the answer to RSET."};
    Param<conf::Seconds> xforward{params, "smtp_xforward_timeout", conf::Seconds(300),
                                  "How long to wait for the answer to XFORWARD."};
    Param<conf::Seconds> quit{params, "smtp_quit_timeout", conf::Seconds(300),
                              "How long QUIT may take, and its answer where it is waited for."};
    Param<bool> skip_quit_response{params, "smtp_skip_quit_response", true,
                                   "Hang up without waiting for the answer to QUIT."};
    Param<bool> per_request{
        params, "smtp_per_request_deadline", false,
        "Whether smtp_data_xfer_timeout is for the whole of a message, as far as "
        "smtp_min_data_rate "
        "does not make it longer.  Commands and their answers always have one deadline in total."};
    Param<int> min_data_rate{
        params, "smtp_min_data_rate", 500, conf::at_least(1),
        "Bytes a second at which a message must go out, with smtp_per_request_deadline."};
};

enum class VerifyTarget : std::uint8_t { rcpt, data };

struct Settings : conf::Common {
    Timeouts timeouts{*this};
    TlsSettings tls{*this};
    SharedTlsSettings shared_tls{*this};
    SaslSettings sasl{*this};
    conf::DnsSettings dns{*this};

    Param<VerifyTarget> verify_target{
        params, "smtp_address_verify_target", VerifyTarget::rcpt,
        conf::Choices<VerifyTarget>{{"rcpt", VerifyTarget::rcpt}, {"data", VerifyTarget::data}},
        "The command whose answer says whether an address is deliverable: rcpt or data."};
    Param<std::string> helo_name{params, "smtp_helo_name", "$myhostname",
                                 "The name that is said in EHLO, HELO and LHLO."};
    Param<std::string> bind_address{params, "smtp_bind_address", "",
                                    "The IPv4 address that connections are made from."};
    Param<std::string> bind_address6{params, "smtp_bind_address6", "",
                                     "The IPv6 address that connections are made from."};
    Param<bool> bind_enforce{
        params, "smtp_bind_address_enforce", false,
        "Defer mail when the address of smtp_bind_address or smtp_bind_address6 cannot be used, "
        "rather than send it from another one."};
    Param<conf::List> sender_bind_maps{
        params, "smtp_sender_bind_address_maps", "",
        "Tables with the address, or the two, that a sender's mail leaves from, by sender."};
    Param<std::string> address_preference{
        params, "smtp_address_preference", "any",
        "Which addresses of equally good servers come first: any, ipv4 or ipv6."};
    Param<bool> randomize_addresses{params, "smtp_randomize_addresses", true,
                                    "Try equally good servers in random order."};
    Param<bool> balance_protocols{
        params, "smtp_balance_inet_protocols", true,
        "Let smtp_mx_address_limit leave addresses of both IPv6 and IPv4."};
    Param<conf::Milliseconds> head_start{
        params, "smtp_connection_head_start", conf::Milliseconds(250),
        "How long a server may take to answer over IPv6 before IPv4 is tried beside it, or the "
        "other way round (RFC 8305); 0: until it has failed."};
    Param<conf::Seconds> unreachable_time{
        params, "smtp_unreachable_address_time", conf::Seconds(300),
        "How long an address that did not answer comes after others that are as good."};
    Param<int> unreachable_entries{params, "smtp_unreachable_address_entries", 10000,
                                   "How many such addresses are remembered."};
    Param<bool> retry_over_ipv4{
        params, "smtp_retry_over_ipv4", true,
        "When a server refuses mail because of our IPv6 address (its reputation, its PTR record), "
        "try it over IPv4 before the mail is returned."};
    Param<conf::List> use_srv_lookup{
        params, "use_srv_lookup", "",
        "Services whose servers are looked up with SRV records: with submission here, "
        "example.com:submission is where _submission._tcp.example.com says."};
    Param<bool> srv_fallback{params, "allow_srv_lookup_fallback", false,
                             "Look up MX records when there are no such SRV records."};
    Param<bool> ignore_srv_error{
        params, "ignore_srv_lookup_error", false,
        "With allow_srv_lookup_fallback, also when the name service fails."};
    Param<bool> ignore_mx_error{
        params, "ignore_mx_lookup_error", false,
        "Take a domain for its own mail server when its MX lookup fails, rather than defer mail."};
    Param<std::string> socks_proxy{
        params, "smtp_socks_proxy", "",
        "A SOCKS 5 proxy as address:port that all connections are made through."};
    Param<conf::List> socks_password_maps{
        params, "smtp_socks_password_maps", "",
        "Tables with \"user:password\" for the proxy, by smtp_socks_proxy as it is written."};
    Param<int> mx_address_limit{params, "smtp_mx_address_limit", 5,
                                "How many server addresses are tried for one delivery; 0: all."};
    Param<int> mx_session_limit{
        params, "smtp_mx_session_limit", 2,
        "In how many SMTP sessions one delivery is tried before it is deferred; 0: no limit."};
    Param<conf::List> fallback_relay{params, "smtp_fallback_relay", "$fallback_relay",
                                     "Next hops for mail whose own cannot be reached."};
    Param<conf::List> old_fallback_relay{params, "fallback_relay", "",
                                         "The old name of smtp_fallback_relay."};
    Param<bool> never_send_ehlo{params, "smtp_never_send_ehlo", false, "Say HELO to every server."};
    Param<bool> always_send_ehlo{params, "smtp_always_send_ehlo", true,
                                 "Say EHLO even to a server whose greeting lacks ESMTP."};
    Param<conf::List> discard_ehlo_keywords{
        params, "smtp_discard_ehlo_keywords", "",
        "Extensions that are not used although a server offers them: chunking, pipelining, dsn."};
    Param<conf::List> discard_ehlo_maps{
        params, "smtp_discard_ehlo_keyword_address_maps", "",
        "Tables with the extensions that are not used, by address of the server."};
    Param<conf::List> pix_workarounds{
        params, "smtp_pix_workarounds", "disable_esmtp, delay_dotcrlf",
        "What is done about a firewall that hides the server's greeting behind asterisks: "
        "disable_esmtp (say HELO), delay_dotcrlf (wait before the final dot)."};
    Param<conf::List> pix_maps{params, "smtp_pix_workaround_maps", "",
                               "Tables with such workarounds, by address of the server."};
    Param<conf::Seconds> pix_threshold{
        params, "smtp_pix_workaround_threshold_time", conf::Seconds(500),
        "How long a message must have been queued before delay_dotcrlf is tried."};
    Param<conf::Seconds> pix_delay{params, "smtp_pix_workaround_delay_time", conf::Seconds(10),
                                   "How long delay_dotcrlf waits."};
    Param<bool> send_xforward{
        params, "smtp_send_xforward_command", false,
        "Tell a server that offers XFORWARD (a content filter) where the message came from."};
    Param<bool> quote_envelope{params, "smtp_quote_rfc821_envelope", true,
                               "Quote addresses in MAIL FROM and RCPT TO as RFC 5321 asks."};
    Param<int> line_length{
        params, "smtp_line_length_limit", 998,
        "Longer lines of a message are broken with a line end and a space; 0: never."};
    Param<bool> assume_final{
        params, "lmtp_assume_final", false,
        "Take an LMTP server without DSN for the last one, and report success itself."};
    Param<std::string> reply_filter{
        params, "smtp_reply_filter", "",
        "A table that replaces lines of servers' replies, by the whole line."};
    Param<conf::List> dns_reply_filter{
        params, "smtp_dns_reply_filter", "",
        "Tables that say IGNORE to DNS records: \"example.com. 300 IN MX 10 mx.example.com.\"."};
    Param<conf::List> default_status_filter{
        params, "default_delivery_status_filter", "",
        "Tables that replace status and text of a delivery: \"5.1.1 text\"."};
    Param<conf::List> status_filter{params, "smtp_delivery_status_filter",
                                    "$default_delivery_status_filter",
                                    "Such tables for deliveries to other hosts."};
    Param<conf::List> generic_maps{
        params, "smtp_generic_maps", "",
        "Tables that turn addresses of this site into such as are valid elsewhere, in envelope "
        "and header: generic(5)."};
    Param<conf::List> header_checks{params, "smtp_header_checks", "",
                                    "Tables with actions for header fields of mail that leaves."};
    Param<conf::List> mime_header_checks{params, "smtp_mime_header_checks", "",
                                         "The same for MIME header fields."};
    Param<conf::List> nested_header_checks{params, "smtp_nested_header_checks", "",
                                           "The same for messages inside a message."};
    Param<conf::List> body_checks{params, "smtp_body_checks", "",
                                  "The same for the lines of a body."};
    Param<bool> cache_connections{
        params, "smtp_connection_cache_on_demand", true,
        "Keep a connection open for the next message to the same next hop."};
    Param<conf::List> cache_destinations{
        params, "smtp_connection_cache_destinations", "",
        "Domains, hosts and socket paths to which connections are kept open even without "
        "smtp_connection_cache_on_demand."};
    Param<int> cache_entries{params, "smtp_connection_cache_entries", 1000,
                             "How many open connections wait for a message at most."};
    Param<conf::Seconds> cache_time{params, "smtp_connection_cache_time_limit", conf::Seconds(2),
                                    "How long an open connection waits for its next message."};
    Param<conf::Seconds> reuse_time{params, "smtp_connection_reuse_time_limit", conf::Seconds(300),
                                    "How old a connection may be when it is used again."};
    Param<int> reuse_count{params, "smtp_connection_reuse_count_limit", 0,
                           "How many messages one connection takes; 0: no limit."};
    Param<bool> skip_5xx_greeting{
        params, "smtp_skip_5xx_greeting", true,
        "Try other servers when one greets with 5xx, rather than return the mail."};
    Param<bool> defer_if_no_mx_address{
        params, "smtp_defer_if_no_mx_address_found", false,
        "Try again later when no MX host of a domain has an address, rather than return the mail."};
    Param<bool> disable_mime_conversion{
        params, "disable_mime_output_conversion", false,
        "Send 8-bit content as it is to servers without 8BITMIME, rather than convert it."};
    Param<std::string> smtp_port{params, "smtp_tcp_port", "smtp",
                                 "The port for SMTP next hops that do not name one."};
    Param<std::string> lmtp_port{params, "lmtp_tcp_port", "24",
                                 "The port for LMTP next hops that do not name one."};
    Param<int> jobs{params, "smtp_deliveries_per_process", 500, conf::Range<int>{1, 20000},
                    "How many deliveries one process works on at the same time."};
};

}  // namespace facteur::smtp_client
