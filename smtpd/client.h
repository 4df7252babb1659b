#pragma once

#include <string>

#include "lib/net/address.h"

namespace facteur::smtpd {

/// Everything that the server knows about who is at the other end.
struct Client {
    Address address;
    std::string ip;          ///< as it is logged
    Address server;          ///< our end
    std::string key;         ///< it is counted by this: its address, or the network it is in
    bool with_port = false;  ///< smtpd_client_port_logging
    bool limited = false;    ///< smtpd_client_event_limit_exceptions does not hold it
    std::string name = "unknown";
    std::string reverse_name = "unknown";
    bool name_temporary = false;
    bool reverse_temporary = false;
    bool in_mynetworks = false;
    bool in_inet_interfaces = false;
    std::string helo;
    bool esmtp = false;
    bool tls = false;
    std::string tls_protocol;  ///< "TLSv1.3"
    std::string tls_cipher;
    int tls_bits = 0;
    struct Certificate {
        std::string subject, issuer;               ///< common names
        std::string fingerprint, key_fingerprint;  ///< smtpd_tls_fingerprint_digest
        bool trusted = false;                      ///< an authority of smtpd_tls_CAfile signed it
    };
    Certificate certificate;  ///< of its own; empty: it showed none
    std::string login;        ///< SASL user; empty: not authenticated
    std::string mechanism;    ///< of that

    /// "host[192.0.2.1]": how every log line names it.
    std::string text() const {
        const std::string host = name + '[' + ip + ']';
        return with_port ? host + ':' + std::to_string(address.port()) : host;
    }
    /// RFC 3848, RFC 6531 section 4.3: "ESMTPSA", "UTF8SMTP".
    std::string protocol(bool smtputf8) const {
        std::string text = smtputf8 ? "UTF8SMTP" : esmtp ? "ESMTP" : "SMTP";
        if (esmtp && tls) text += 'S';
        if (esmtp && !login.empty()) text += 'A';
        return text;
    }
};

/// "192.0.2.1", or with a shorter prefix "192.0.2.0/24", "2001:db8::/64".
std::string client_key(const Address& address, int ipv4_prefix, int ipv6_prefix);

}  // namespace facteur::smtpd
