#include "smtp-client/tls_settings.h"

namespace facteur::smtp_client {

using conf::Range;

const conf::Choices<TlsLevel> kTlsLevels{
    {"none", TlsLevel::none},       {"may", TlsLevel::may},
    {"encrypt", TlsLevel::encrypt}, {"fingerprint", TlsLevel::fingerprint},
    {"dane", TlsLevel::dane},       {"dane-only", TlsLevel::dane_only},
    {"verify", TlsLevel::verify},   {"secure", TlsLevel::secure},
    {"", TlsLevel::none},
};

const conf::Choices<CipherGrade> kCipherGrades{
    {"medium", CipherGrade::medium},
    {"high", CipherGrade::high},
};

TlsSettings::TlsSettings(Section& outer)
    : Section(outer),
      level(params, "smtp_tls_security_level", TlsLevel::none, kTlsLevels,
            "How much TLS is wanted of servers, unless the policy maps know better: none, may, "
            "encrypt, fingerprint, verify, secure, dane, dane-only."),
      policy_maps(params, "smtp_tls_policy_maps", "",
                  "Tables with the TLS security level by next hop: \"secure match=.example.com "
                  "protocols=>=TLSv1.2 ciphers=high exclude=SHA1 servername=hostname\"."),
      ca_file(params, "smtp_tls_CAfile", "",
              "A file with the authorities that server certificates may have."),
      ca_path(params, "smtp_tls_CApath", "",
              "A folder with such authorities, prepared by openssl rehash."),
      anchor_files(params, "smtp_tls_trust_anchor_file", "",
                   "Files with certificates or public keys that server certificates must lead to, "
                   "instead of the authorities."),
      protocols(params, "smtp_tls_protocols", ">=TLSv1",
                "The TLS versions at security level may: >=TLSv1.2, or names, with ! in front of "
                "those that are not used."),
      mandatory_protocols(params, "smtp_tls_mandatory_protocols", ">=TLSv1",
                          "The same at the levels that demand TLS."),
      grade(params, "smtp_tls_ciphers", CipherGrade::medium, kCipherGrades,
            "The least grade of ciphers for TLSv1.2 and before at security level may."),
      mandatory_grade(params, "smtp_tls_mandatory_ciphers", CipherGrade::medium, kCipherGrades,
                      "The same at the levels that demand TLS."),
      exclude_ciphers(params, "smtp_tls_exclude_ciphers", "",
                      "Ciphers that are never used, as OpenSSL names them."),
      mandatory_exclude_ciphers(params, "smtp_tls_mandatory_exclude_ciphers", "",
                                "Those besides at the levels that demand TLS."),
      verify_match(params, "smtp_tls_verify_cert_match", "hostname",
                   "The names that a certificate may have at level verify: hostname, nexthop, "
                   "dot-nexthop, or names."),
      secure_match(params, "smtp_tls_secure_cert_match", "nexthop, dot-nexthop",
                   "The names that a certificate may have at level secure."),
      fingerprint_match(params, "smtp_tls_fingerprint_cert_match", "",
                        "The fingerprints of certificates or of their keys that are good at level "
                        "fingerprint."),
      fingerprint_digest(params, "smtp_tls_fingerprint_digest",
                         "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}",
                         "The digest of those fingerprints."),
      verify_depth(params, "smtp_tls_scert_verifydepth", 9, Range<int>{0, 100},
                   "How many authorities may stand between a server and one that is trusted."),
      server_name(params, "smtp_tls_servername", "",
                  "The name that a server is asked for (SNI): hostname, nexthop or a name; empty: "
                  "none is sent unless DANE or MTA-STS want it."),
      force_tlsa_lookup(params, "smtp_tls_force_insecure_host_tlsa_lookup", false,
                        "Look for TLSA records even of hosts whose addresses are not signed."),
      wrapper(params, "smtp_tls_wrappermode", false,
              "Start with the TLS handshake instead of STARTTLS (port 465)."),
      note_offer(params, "smtp_tls_note_starttls_offer", false,
                 "Log the name of a server that offers STARTTLS where none is used."),
      loglevel(params, "smtp_tls_loglevel", 0, Range<int>{0, 4},
               "1: log a line for each TLS handshake."),
      session_time(params, "smtp_tls_session_cache_timeout", conf::Seconds(3600),
                   conf::between(conf::Seconds(0), conf::Seconds(8640000)),
                   "How long a TLS session is remembered, to be resumed; 0: not at all."),
      sessions(params, "smtp_tls_session_cache_entries", 1000,
               "How many TLS sessions each process remembers in its memory.") {}

}  // namespace facteur::smtp_client
