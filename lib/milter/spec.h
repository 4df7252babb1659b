#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/config/common.h"

namespace facteur::milter {

/// What happens when a milter cannot be asked (milter_default_action).
enum class DefaultAction : std::uint8_t { accept, reject, tempfail, quarantine, shutdown };

/// One milter, and how it is asked.
struct Spec {
    std::string place;  ///< "inet:host:port", "unix:path"
    std::chrono::seconds connect_timeout{30};
    std::chrono::seconds command_timeout{30};
    std::chrono::seconds content_timeout{300};
    DefaultAction otherwise = DefaultAction::tempfail;
    std::uint32_t version = 6;
};

/// The milter_* parameters.
struct Settings : conf::Section {
    explicit Settings(Section& outer) : Section(outer) {}
    conf::Param<conf::Seconds> connect_timeout{
        params, "milter_connect_timeout", conf::Seconds(30), conf::at_least(conf::Seconds(1)),
        "How long connecting to a milter and agreeing on what to do may take."};
    conf::Param<conf::Seconds> command_timeout{
        params, "milter_command_timeout", conf::Seconds(30), conf::at_least(conf::Seconds(1)),
        "How long sending a command to a milter and reading its answer may take."};
    conf::Param<conf::Seconds> content_timeout{
        params, "milter_content_timeout", conf::Seconds(300), conf::at_least(conf::Seconds(1)),
        "How long sending a piece of the content to a milter and reading its answer may take."};
    conf::Param<std::string> default_action{
        params, "milter_default_action", "tempfail",
        "What happens when a milter cannot be asked: accept, reject, tempfail, quarantine or "
        "shutdown."};
    conf::Param<std::string> protocol{
        params, "milter_protocol", "6",
        "The version of the protocol that milters are offered: 2, 3, 4 or 6."};
    conf::Param<std::string> daemon_name{params, "milter_macro_daemon_name", "$myhostname",
                                         "The macro {daemon_name} for milters."};
    conf::Param<std::string> macro_v{params, "milter_macro_v", "$mail_name $mail_version",
                                     "The macro v for milters."};
    conf::Param<conf::List> macro_defaults{
        params, "milter_macro_defaults", "",
        "name=value pairs for macros that have no value otherwise."};
    conf::Param<conf::List> connect_macros{
        params, "milter_connect_macros", "j {daemon_name} {daemon_addr} v _",
        "The macros that are sent to milters when a client connects."};
    conf::Param<conf::List> helo_macros{
        params, "milter_helo_macros",
        "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
        "The macros that are sent to milters with HELO or EHLO."};
    conf::Param<conf::List> mail_macros{
        params, "milter_mail_macros",
        "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
        "The macros that are sent to milters with MAIL FROM."};
    conf::Param<conf::List> rcpt_macros{params, "milter_rcpt_macros",
                                        "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
                                        "The macros that are sent to milters with RCPT TO."};
    conf::Param<conf::List> data_macros{params, "milter_data_macros", "i",
                                        "The macros that are sent to milters with DATA."};
    conf::Param<conf::List> end_of_header_macros{
        params, "milter_end_of_header_macros", "i",
        "The macros that are sent to milters behind the last header field."};
    conf::Param<conf::List> end_of_data_macros{
        params, "milter_end_of_data_macros", "i",
        "The macros that are sent to milters behind the content."};
    conf::Param<conf::List> unknown_macros{
        params, "milter_unknown_command_macros", "",
        "The macros that are sent to milters with an unknown command."};
    conf::Param<conf::List> header_checks{
        params, "milter_header_checks", "",
        "Tables with actions for header fields that milters add: header_checks(5)."};
    conf::Param<int> change_limit{params, "milter_change_limit", 10000,
                                  conf::Range<int>{10, 10000000},
                                  "How many changes of one message one milter may ask for."};
    conf::Param<conf::Size> packet_limit{
        params, "milter_packet_limit", 1100000,
        "The longest answer of a milter: more than that is no protocol."};
};

/// "inet:host:port", "unix:path", or "{ inet:host:port, default_action=accept, … }", each with the
/// parameters for what it does not say.  The Error says what is wrong.
Result<std::vector<Spec>> parse_specs(const std::vector<std::string>& list,
                                      const Settings& settings);

/// name=value pairs of milter_macro_defaults.
std::vector<std::pair<std::string, std::string>> parse_macro_defaults(
    const std::vector<std::string>& list);

}  // namespace facteur::milter
