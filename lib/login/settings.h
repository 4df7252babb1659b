#pragma once

#include <string>
#include <string_view>

#include "lib/config/param.h"

namespace facteur::login {

enum class TlsLevel { none, may, encrypt };

/// Parameters of a login stage; `daemon` is "imapd" or "pop3d".
struct Settings : conf::Section {
    Settings(Section& outer, std::string_view daemon) : Section(outer), daemon_(daemon) {}

private:
    std::string daemon_;
    std::string named(std::string_view end) const { return daemon_ + std::string(end); }

public:
    conf::Param<TlsLevel> tls_level{
        params, named("_tls_security_level"), TlsLevel::may,
        conf::Choices<TlsLevel>{
            {"none", TlsLevel::none}, {"may", TlsLevel::may}, {"encrypt", TlsLevel::encrypt}},
        "Whether TLS is not offered, offered, or needed before a login."};
    conf::Param<bool> tls_wrappermode{params, named("_tls_wrappermode"), false,
                                      "Whether TLS begins with the connection, as on the ports of "
                                      "imaps and pop3s."};
    conf::Param<std::string> tls_min_protocol{params, named("_tls_min_protocol"), "TLSv1.2",
                                              "The oldest TLS version that is accepted."};
    conf::Param<std::string> tls_ciphers{
        params, named("_tls_cipher_list"), "",
        "Ciphers for TLSv1.2 in OpenSSL's syntax; empty is OpenSSL's own choice."};
    conf::Param<bool> disable_plaintext_auth{
        params, "disable_plaintext_auth", true,
        "Whether passwords are refused without TLS, but for clients on this host."};
    conf::Param<conf::Seconds> login_timeout{params, named("_login_timeout"), conf::Seconds(180),
                                             conf::at_least(conf::Seconds(1)),
                                             "How long a client may take to log in."};
    conf::Param<int> login_attempts{params, named("_login_attempts"), 10, conf::at_least(1),
                                    "So many failed logins end the connection."};
    conf::Param<bool> haproxy{
        params, named("_haproxy"), false,
        "Whether a proxy (HAProxy, nginx) in front tells for whom it speaks, with the PROXY "
        "protocol, version 1 or 2; for one listener it is set with -o in master.cf."};
    conf::Param<conf::List> haproxy_trusted_networks{
        params, "haproxy_trusted_networks", "",
        "Networks whose proxies are believed; imapd and pop3d believe none of others, smtpd "
        "believes all when it is empty."};
    conf::Param<conf::Seconds> haproxy_timeout{params, "haproxy_timeout", conf::Seconds(3),
                                               conf::at_least(conf::Seconds(1)),
                                               "How long a proxy may take to tell."};
    conf::Param<std::string> greeting{params, "login_greeting", "Facteur ready.",
                                      "The text of the IMAP and POP3 greetings."};
    conf::Param<int> client_connection_limit{
        params, named("_client_connection_limit"), 200, conf::at_least(0),
        "Connections that one client may have to one process before and after login; 0 is no "
        "limit."};
};

}  // namespace facteur::login
