#pragma once

#include <cstdint>
#include <string>

#include "lib/config/param.h"

namespace facteur::smtpd {

enum class TlsLevel : std::uint8_t { none, may, encrypt };

/// Postfix's export, low and null are not offered: they keep nothing secret.
enum class CipherGrade : std::uint8_t { medium, high };
inline const conf::Choices<CipherGrade> kGrades{{"medium", CipherGrade::medium},
                                                {"high", CipherGrade::high}};

struct TlsSettings : conf::Section {
    template <class T>
    using Param = conf::Param<T>;
    template <class T>
    using Range = conf::Range<T>;
    using List = conf::List;

    explicit TlsSettings(Section& outer) : Section(outer) {}
    Param<TlsLevel> level{params, "smtpd_tls_security_level", TlsLevel::none,
                          conf::Choices<TlsLevel>{{"", TlsLevel::none},
                                                  {"none", TlsLevel::none},
                                                  {"may", TlsLevel::may},
                                                  {"encrypt", TlsLevel::encrypt}},
                          "Whether STARTTLS is not offered, offered, or demanded."};
    Param<bool> use{params, "smtpd_use_tls", false,
                    "The older way to say smtpd_tls_security_level = may."};
    Param<bool> enforce{params, "smtpd_enforce_tls", false,
                        "The older way to say smtpd_tls_security_level = encrypt."};
    /// smtpd_use_tls and smtpd_enforce_tls, where smtpd_tls_security_level is empty.
    void follow_older_names();
    Param<bool> wrapper{params, "smtpd_tls_wrappermode", false,
                        "Whether TLS begins at once, without STARTTLS (RFC 8314)."};
    Param<bool> auth_only{params, "smtpd_tls_auth_only", false,
                          "Whether AUTH is offered inside TLS only."};
    Param<std::string> protocols{
        params, "smtpd_tls_protocols", ">=TLSv1.2",
        "The TLS versions that are accepted: >=TLSv1.2, or names, with ! in front of those that "
        "are not."};
    Param<std::string> mandatory_protocols{params, "smtpd_tls_mandatory_protocols", ">=TLSv1.2",
                                           "The same where smtpd_tls_security_level is encrypt."};
    Param<CipherGrade> grade{params, "smtpd_tls_ciphers", CipherGrade::medium, kGrades,
                             "The least grade of ciphers for TLSv1.2 and before."};
    Param<CipherGrade> mandatory_grade{params, "smtpd_tls_mandatory_ciphers", CipherGrade::medium,
                                       kGrades,
                                       "The same where smtpd_tls_security_level is encrypt."};
    Param<List> exclude_ciphers{params, "smtpd_tls_exclude_ciphers", "",
                                "Ciphers that are never used, as OpenSSL names them."};
    Param<List> mandatory_exclude_ciphers{
        params, "smtpd_tls_mandatory_exclude_ciphers", "",
        "Those besides where smtpd_tls_security_level is encrypt."};
    Param<std::string> high_ciphers{
        params, "tls_high_cipherlist", "",
        "OpenSSL's cipher list of grade high; empty is OpenSSL's default."};
    Param<std::string> medium_ciphers{
        params, "tls_medium_cipherlist", "",
        "OpenSSL's cipher list of grade medium; empty is OpenSSL's default."};
    Param<bool> prefer_server{params, "tls_preempt_cipherlist", false,
                              "Whether our order of ciphers wins over the client's."};
    Param<bool> received_header{params, "smtpd_tls_received_header", false,
                                "Whether Received: tells the TLS protocol and cipher."};
    Param<bool> ask_ccert{params, "smtpd_tls_ask_ccert", false,
                          "Whether clients are asked for a certificate."};
    Param<bool> req_ccert{params, "smtpd_tls_req_ccert", false,
                          "Whether a trusted client certificate is demanded where "
                          "smtpd_tls_security_level is encrypt; else it is asked for."};
    Param<int> ccert_depth{params, "smtpd_tls_ccert_verifydepth", 9, Range<int>{0, 100},
                           "Certificates between a client's and that of its authority."};
    Param<std::string> ca_file{params, "smtpd_tls_CAfile", "",
                               "A PEM file of authorities that sign client certificates."};
    Param<std::string> ca_path{params, "smtpd_tls_CApath", "",
                               "A folder of such files, all of which are read at start."};
    Param<std::string> fingerprint_digest{
        params, "smtpd_tls_fingerprint_digest",
        "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}",
        "The digest by which relay_clientcerts and check_ccert_access know certificates and "
        "public keys."};
    Param<List> relay_ccerts{params, "relay_clientcerts", "",
                             "Tables with the fingerprints that permit_tls_clientcerts takes."};
    Param<std::string> eecdh_grade{
        params, "smtpd_tls_eecdh_grade", "auto",
        "The curves for key agreement: auto (tls_eecdh_auto_curves), strong, ultra, or none, "
        "which leaves the choice to OpenSSL."};
    Param<List> auto_curves{params, "tls_eecdh_auto_curves",
                            "X25519 X448 prime256v1 secp521r1 secp384r1",
                            "The curves that are offered, the best first."};
    Param<std::string> strong_curve{params, "tls_eecdh_strong_curve", "prime256v1",
                                    "The curve of smtpd_tls_eecdh_grade strong."};
    Param<std::string> ultra_curve{params, "tls_eecdh_ultra_curve", "secp384r1",
                                   "The curve of smtpd_tls_eecdh_grade ultra."};
    Param<List> ssl_options{params, "tls_ssl_options", "",
                            "More of OpenSSL's options: NO_TICKET, PRIORITIZE_CHACHA and the like, "
                            "or a hexadecimal number."};
    Param<int> loglevel{params, "smtpd_tls_loglevel", 0,
                        "0 logs no TLS sessions, 1 one line for each."};
};

}  // namespace facteur::smtpd
