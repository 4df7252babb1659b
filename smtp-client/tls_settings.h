#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/config/param.h"

namespace facteur::smtp_client {

using conf::Param;

/// How much TLS is wanted (Postfix's TLS_README).
enum class TlsLevel : std::uint8_t {
    none,
    may,
    encrypt,
    fingerprint,
    dane,       ///< as strict as what the name service has signed for the destination
    dane_only,  ///< and nothing without such records
    verify,
    secure,
};
extern const conf::Choices<TlsLevel> kTlsLevels;

/// The least strength of ciphers for TLSv1.2 and before.  Postfix's export, low and null are not
/// offered: they keep nothing secret.
enum class CipherGrade : std::uint8_t { medium, high };
extern const conf::Choices<CipherGrade> kCipherGrades;

/// smtp_dns_support_level: whether the name service's word about signatures is trusted.
enum class DnsSupport : std::uint8_t { enabled, dnssec };

/// smtp_tls_*.
struct TlsSettings : conf::Section {
    explicit TlsSettings(Section& outer);
    Param<TlsLevel> level;
    Param<conf::List> policy_maps;
    Param<std::string> ca_file;
    Param<std::string> ca_path;
    Param<conf::List> anchor_files;
    Param<std::string> protocols;
    Param<std::string> mandatory_protocols;
    Param<CipherGrade> grade;
    Param<CipherGrade> mandatory_grade;
    Param<conf::List> exclude_ciphers;
    Param<conf::List> mandatory_exclude_ciphers;
    Param<conf::List> verify_match;
    Param<conf::List> secure_match;
    Param<conf::List> fingerprint_match;
    Param<std::string> fingerprint_digest;
    Param<int> verify_depth;
    Param<std::string> server_name;
    Param<bool> force_tlsa_lookup;
    Param<bool> wrapper;
    Param<bool> note_offer;
    Param<int> loglevel;
    Param<conf::Seconds> session_time;
    Param<int> sessions;
};

/// What has no counterpart of its own for LMTP.
struct SharedTlsSettings : conf::Section {
    explicit SharedTlsSettings(Section& outer) : Section(outer) {}
    Param<std::string> high_ciphers{
        params, "tls_high_cipherlist", "",
        "OpenSSL's cipher list of grade high; empty is OpenSSL's default."};
    Param<std::string> medium_ciphers{
        params, "tls_medium_cipherlist", "",
        "OpenSSL's cipher list of grade medium; empty is OpenSSL's default."};
    Param<bool> default_authorities{
        params, "tls_append_default_CA", false,
        "Whether the authorities of the system are trusted besides those of the CAfile "
        "parameters."};
    Param<std::string> default_ca_file{params, "tls_default_CAfile",
                                       "/etc/ssl/certs/ca-certificates.crt",
                                       "Where the authorities of the system are."};
    Param<bool> wildcards_span_labels{
        params, "tls_wildcard_matches_multiple_labels", true,
        "Whether *.example.com in a certificate covers a.b.example.com too."};
    Param<std::string> insecure_mx_policy{
        params, "smtp_tls_dane_insecure_mx_policy",
        "${{$smtp_tls_security_level} == {dane} ? {dane} : {may}}",
        "What DANE comes to when the MX hosts have signed records but the MX record itself is not "
        "signed: dane, encrypt or may."};
    Param<DnsSupport> dns_support{
        params, "smtp_dns_support_level", DnsSupport::enabled,
        conf::Choices<DnsSupport>{{"enabled", DnsSupport::enabled},
                                  {"dnssec", DnsSupport::dnssec},
                                  {"", DnsSupport::enabled}},
        "dnssec: the name servers validate signatures and the way to them is safe, so that their "
        "word (the AD bit) is trusted.  DANE asks for it."};
    Param<bool> mta_sts{
        params, "smtp_tls_mta_sts_enable", false,
        "Whether the MTA-STS policies of destinations (RFC 8461) are fetched and obeyed, where the "
        "security level is may, encrypt or dane without signed records."};
    Param<std::string> mta_sts_ca_file{
        params, "smtp_tls_mta_sts_CAfile", "$tls_default_CAfile",
        "The authorities of the web servers with those policies, and of the mail servers that the "
        "policies demand proof of."};
    Param<conf::Seconds> mta_sts_timeout{
        params, "smtp_tls_mta_sts_timeout", conf::Seconds(60),
        conf::between(conf::Seconds(1), conf::Seconds(600)),
        "How long fetching a policy may take (RFC 8461 section 3.3)."};
    Param<conf::Size> mta_sts_size{params, "smtp_tls_mta_sts_size_limit", 65536,
                                   "The longest policy that is read."};
    Param<int> mta_sts_entries{params, "smtp_tls_mta_sts_cache_entries", 10000,
                               conf::Range<int>{1, 10000000}, "How many policies are kept."};
    Param<conf::Seconds> mta_sts_refresh{
        params, "smtp_tls_mta_sts_refresh_time", conf::Seconds(86400),
        conf::at_least(conf::Seconds(60)),
        "The age at which a policy is fetched again, before it expires."};
    Param<conf::Seconds> mta_sts_retry{params, "smtp_tls_mta_sts_retry_time", conf::Seconds(300),
                                       "How long a fetch that failed is not tried again."};
    Param<bool> tlsrpt{
        params, "smtp_tlsrpt_enable", false,
        "Whether domains that ask for it (RFC 8460) get a report every day on how TLS with their "
        "servers went."};
    Param<bool> tlsrpt_skip_reused{
        params, "smtp_tlsrpt_skip_reused_handshakes", true,
        "Whether TLS sessions that continue an earlier one are left out of those reports."};
    Param<int> mta_sts_port{params, "smtp_tls_mta_sts_port", 443, conf::Range<int>{1, 65535},
                            "The port of the web servers with the policies; only tests need "
                            "another one."};
    Param<std::string> anchor_directory{
        params, "smtp_tls_trust_anchor_directory", "$config_directory/anchors",
        "The folder of the files that tafile= in smtp_tls_policy_maps may name; they are read at "
        "the start, because later no file can be opened."};
};

}  // namespace facteur::smtp_client
