#pragma once

#include <string>

#include "lib/config/param.h"

namespace facteur::smtpd {

/// What happens to a client that fails one of postscreen's tests.
enum class ScreenAction : std::uint8_t {
    ignore,
    enforce,  ///< it is talked to, and its mail refused
    drop,
};
inline const conf::Choices<ScreenAction> kScreenActions{{"ignore", ScreenAction::ignore},
                                                        {"enforce", ScreenAction::enforce},
                                                        {"drop", ScreenAction::drop}};

/// postscreen's parameters: what is asked of strangers before they may talk to the server.
struct ScreenSettings : conf::Section {
    template <class T>
    using Param = conf::Param<T>;
    using List = conf::List;
    using Seconds = conf::Seconds;
    using Default = conf::Default;

    explicit ScreenSettings(Section& outer) : Section(outer) {}
    Param<bool> enable{params, "postscreen_enable", false,
                       "Whether clients are tested before they may send mail; Postfix's master.cf "
                       "says it with a service postscreen."};
    Param<List> access{params, "postscreen_access_list", "permit_mynetworks",
                       "Who is not tested, and who fails: permit_mynetworks, permit, reject, "
                       "dunno and tables of them by address, in this order."};
    Param<ScreenAction> denylist_action{
        params, "postscreen_denylist_action", ScreenAction::ignore,
        conf::Choices<ScreenAction>{
            {"${postscreen_blacklist_action?{$postscreen_blacklist_action}:{ignore}}",
             ScreenAction::ignore},
            {"ignore", ScreenAction::ignore},
            {"enforce", ScreenAction::enforce},
            {"drop", ScreenAction::drop}},
        "What happens to a client that postscreen_access_list refuses."};
    Param<std::string> old_denylist_action{params, "postscreen_blacklist_action", "",
                                           "The older name of postscreen_denylist_action."};
    Param<std::string> old_interfaces{params, "postscreen_whitelist_interfaces", "",
                                      "The older name of postscreen_allowlist_interfaces."};
    Param<std::string> old_threshold{params, "postscreen_dnsbl_whitelist_threshold", "",
                                     "The older name of postscreen_dnsbl_allowlist_threshold."};
    Param<List> allowlist_interfaces{
        params, "postscreen_allowlist_interfaces",
        "${postscreen_whitelist_interfaces?{$postscreen_whitelist_interfaces}:{static:all}}",
        "Our own addresses at which a client can pass the tests."};
    Param<Seconds> greet_wait{params, "postscreen_greet_wait", Seconds(6),
                              conf::at_least(Seconds(1)),
                              "How long a client must keep silent before the greeting; 2 seconds "
                              "when many wait."};
    Param<std::string> greet_banner{params, "postscreen_greet_banner", "$smtpd_banner",
                                    "Text of a first line of the greeting that is sent before the "
                                    "wait; empty: none."};
    Param<ScreenAction> greet_action{params, "postscreen_greet_action", ScreenAction::ignore,
                                     kScreenActions,
                                     "What happens to a client that talks before its turn."};
    Param<Seconds> greet_ttl{params, "postscreen_greet_ttl", Default("1d"),
                             conf::at_least(Seconds(1)).in('d'),
                             "How long a client that kept silent is not tested again."};
    Param<List> dnsbl_sites{params, "postscreen_dnsbl_sites", "",
                            "DNS lists as domain=filter*weight: their weights add up to a score."};
    Param<int> dnsbl_threshold{params, "postscreen_dnsbl_threshold", 1,
                               conf::Range<int>{1, 1000000},
                               "The score from which a client is refused."};
    Param<int> dnsbl_allow_threshold{
        params, "postscreen_dnsbl_allowlist_threshold",
        Default(
            "${postscreen_dnsbl_whitelist_threshold?{$postscreen_dnsbl_whitelist_threshold}:{0}}"),
        conf::Range<int>{-1000000, 0},
        "The score at or below which a client passes all tests; 0: none."};
    Param<ScreenAction> dnsbl_action{params, "postscreen_dnsbl_action", ScreenAction::ignore,
                                     kScreenActions,
                                     "What happens to a client with too high a score."};
    Param<List> dnsbl_reply_map{params, "postscreen_dnsbl_reply_map", "",
                                "Tables with the name that clients hear for a DNS list."};
    Param<Seconds> dnsbl_ttl{params, "postscreen_dnsbl_ttl", Default("1h"),
                             conf::at_least(Seconds(1)).in('h'),
                             "The default of postscreen_dnsbl_max_ttl."};
    Param<Seconds> dnsbl_max_ttl{params, "postscreen_dnsbl_max_ttl",
                                 Default("$postscreen_dnsbl_ttl"),
                                 conf::at_least(Seconds(1)).in('h'),
                                 "The longest time that a client with a good score is not looked "
                                 "up again, whatever the DNS says."};
    Param<Seconds> dnsbl_min_ttl{params, "postscreen_dnsbl_min_ttl", Seconds(60),
                                 conf::at_least(Seconds(1)), "The shortest time likewise."};
    Param<Seconds> dnsbl_timeout{params, "postscreen_dnsbl_timeout", Seconds(10),
                                 conf::at_least(Seconds(1)),
                                 "How long a lookup in a DNS list may take."};
    Param<bool> pipelining{params, "postscreen_pipelining_enable", false,
                           "Whether clients are tested for commands before their turn."};
    Param<ScreenAction> pipelining_action{params, "postscreen_pipelining_action",
                                          ScreenAction::enforce, kScreenActions,
                                          "What happens to a client that fails that test."};
    Param<Seconds> pipelining_ttl{params, "postscreen_pipelining_ttl", Default("30d"),
                                  conf::at_least(Seconds(1)).in('d'),
                                  "How long one that passed it is not tested again."};
    Param<bool> non_smtp{params, "postscreen_non_smtp_command_enable", false,
                         "Whether clients are tested for postscreen_forbidden_commands."};
    Param<ScreenAction> non_smtp_action{params, "postscreen_non_smtp_command_action",
                                        ScreenAction::drop, kScreenActions,
                                        "What happens to a client that fails that test."};
    Param<Seconds> non_smtp_ttl{params, "postscreen_non_smtp_command_ttl", Default("30d"),
                                conf::at_least(Seconds(1)).in('d'),
                                "How long one that passed it is not tested again."};
    Param<List> forbidden_commands{params, "postscreen_forbidden_commands",
                                   "$smtpd_forbidden_commands", "Commands that are not SMTP's."};
    Param<bool> bare_newline{params, "postscreen_bare_newline_enable", false,
                             "Whether clients are tested for lines that end in LF alone."};
    Param<ScreenAction> bare_newline_action{params, "postscreen_bare_newline_action",
                                            ScreenAction::ignore, kScreenActions,
                                            "What happens to a client that fails that test."};
    Param<Seconds> bare_newline_ttl{params, "postscreen_bare_newline_ttl", Default("30d"),
                                    conf::at_least(Seconds(1)).in('d'),
                                    "How long one that passed it is not tested again."};
    Param<int> pre_queue_limit{params, "postscreen_pre_queue_limit",
                               Default("$smtpd_sessions_per_process"), conf::Range<int>{1, 1000000},
                               "Clients that one process tests at a time."};
    Param<int> post_queue_limit{
        params, "postscreen_post_queue_limit", Default("$smtpd_sessions_per_process"),
        conf::Range<int>{1, 1000000}, "Clients that one process serves at a time."};
    Param<int> per_client{params, "postscreen_client_connection_count_limit",
                          Default("$smtpd_client_connection_count_limit"),
                          conf::Range<int>{0, 1000000},
                          "Connections that one client may have in its tests; 0: no limit."};
    Param<int> command_limit{params, "postscreen_command_count_limit", 20,
                             conf::Range<int>{1, 1000000},
                             "Commands of a client whose mail is refused."};
    Param<Seconds> command_time{params, "postscreen_command_time_limit", Seconds(300),
                                conf::at_least(Seconds(1)),
                                "How long such a client has for a command; 10 seconds when many "
                                "wait."};
    Param<bool> disable_vrfy{params, "postscreen_disable_vrfy_command",
                             Default("$disable_vrfy_command"),
                             "Whether VRFY is switched off for such a client."};
    Param<bool> helo_required{params, "postscreen_helo_required", Default("$smtpd_helo_required"),
                              "Whether such a client must say HELO or EHLO before MAIL."};
    Param<List> discard_keywords{params, "postscreen_discard_ehlo_keywords",
                                 "$smtpd_discard_ehlo_keywords",
                                 "EHLO keywords that such a client is not offered."};
    Param<std::string> upstream{params, "postscreen_upstream_proxy_protocol", "",
                                "The protocol of the proxy before this server: haproxy, or empty."};
    Param<Seconds> upstream_timeout{params, "postscreen_upstream_proxy_timeout", Seconds(5),
                                    conf::at_least(Seconds(1)),
                                    "How long the proxy's header may take."};
};

}  // namespace facteur::smtpd
