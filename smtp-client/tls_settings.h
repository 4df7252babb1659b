#pragma once

#include "lib/config/param.h"

namespace facteur::smtp_client {

using conf::Param;

/// How much TLS is wanted (Postfix's TLS_README).
enum class TlsLevel { none, may, encrypt, verify, secure };

struct TlsSettings : conf::Section {
    explicit TlsSettings(Section& outer) : Section(outer) {}
    Param<TlsLevel> level{params, "smtp_tls_security_level", TlsLevel::none,
                          conf::Choices<TlsLevel>{{"none", TlsLevel::none},
                                                  {"may", TlsLevel::may},
                                                  {"encrypt", TlsLevel::encrypt},
                                                  {"verify", TlsLevel::verify},
                                                  {"secure", TlsLevel::secure},
                                                  {"", TlsLevel::none}},
                          "How much TLS is wanted of other servers, unless "
                          "smtp_tls_policy_maps knows better."};
    Param<conf::List> policy_maps{
        params, "smtp_tls_policy_maps", "",
        "Tables with the TLS security level by next hop: \"secure match=.example.com\"."};
    Param<std::string> ca_file{params, "smtp_tls_CAfile", "",
                               "A file with the authorities that server certificates may have."};
    Param<std::string> ca_path{params, "smtp_tls_CApath", "",
                               "A folder with such authorities, prepared by openssl rehash."};
    Param<std::string> protocols{params, "smtp_tls_protocols", ">=TLSv1",
                                 "The oldest TLS protocol at security level may."};
    Param<std::string> mandatory_protocols{
        params, "smtp_tls_mandatory_protocols", ">=TLSv1.2",
        "The oldest TLS protocol at the levels encrypt, verify and secure."};
    Param<conf::List> verify_match{
        params, "smtp_tls_verify_cert_match", "hostname",
        "The names that a certificate may have at level verify: hostname, nexthop, dot-nexthop, or "
        "names."};
    Param<conf::List> secure_match{params, "smtp_tls_secure_cert_match", "nexthop, dot-nexthop",
                                   "The names that a certificate may have at level secure."};
    Param<int> loglevel{params, "smtp_tls_loglevel", 0, conf::Range<int>{0, 4},
                        "1: log a line for each TLS handshake."};
    Param<bool> wrapper{params, "smtp_tls_wrappermode", false,
                        "Start with the TLS handshake instead of STARTTLS (port 465)."};
};

}  // namespace facteur::smtp_client
