#pragma once

#include "lib/config/common.h"

namespace facteur::authd {

using namespace std::chrono_literals;

/// The certificate and the key of one protocol; smtpd's are the default for the others.
struct TlsFiles : conf::Section {
    struct Names {
        std::string_view chain_files, cert_file, key_file, eccert_file, eckey_file;
        std::string_view chain_default, cert_default, key_default, eccert_default, eckey_default;
    };
    TlsFiles(Section& outer, const Names& names)
        : Section(outer),
          chain_files(params, names.chain_files, names.chain_default,
                      "Files with a private key followed by its certificate chain, in PEM; several "
                      "keys may follow each other.  Preferred to the cert_file and key_file pair."),
          cert_file(params, names.cert_file, names.cert_default,
                    "File with the certificate and its issuers in PEM, the server's own first."),
          key_file(params, names.key_file, names.key_default,
                   "File with the private key of the certificate, in PEM."),
          eccert_file(params, names.eccert_file, names.eccert_default,
                      "File with a second certificate, for an elliptic curve key, and its issuers, "
                      "in PEM."),
          eckey_file(params, names.eckey_file, names.eckey_default,
                     "File with the private key of the elliptic curve certificate, in PEM.") {}

    conf::Param<conf::List> chain_files;
    conf::Param<std::string> cert_file;
    conf::Param<std::string> key_file;
    conf::Param<std::string> eccert_file;
    conf::Param<std::string> eckey_file;
};

struct Settings : conf::Common {
    conf::Param<conf::List> passdb{
        params, "auth_passdb", "passwd-file:$config_directory/users",
        "Where passwords are checked, in this order: passwd-file:/path, pam:service."};
    conf::Param<conf::List> userdb{params, "auth_userdb", "",
                                   "Where users are looked up, in this order: passwd-file:/path, "
                                   "passwd (the system's users).  "
                                   "Empty: the counterpart of each auth_passdb."};
    conf::Param<conf::List> mechanisms{params, "auth_mechanisms", "plain login",
                                       "The SASL mechanisms that are offered."};
    conf::Param<conf::Raw> username_format{
        params, "auth_username_format", "%Lu",
        "What a client's user name is turned into before it is looked up: %u, %n (before the @), "
        "%d (behind it); L makes lower case."};
    conf::Param<std::string> sasl_local_domain{
        params, "smtpd_sasl_local_domain", "",
        "Postfix's name for auth_default_realm, which has it as its default."};
    conf::Param<std::string> default_realm{
        params, "auth_default_realm", "$smtpd_sasl_local_domain",
        "The domain that is appended to a user name without one."};
    conf::Param<std::string> default_scheme{
        params, "auth_default_pass_scheme", "CRYPT",
        "The scheme of a hash in a passwd-file that has no {SCHEME} in front."};
    conf::Param<conf::Seconds> failure_delay{
        params, "auth_failure_delay", 2s, conf::between(0s, 60s),
        "A failure is answered this long after the question, never sooner."};
    conf::Param<int> worker_max{
        params, "auth_worker_max_count", 30, conf::Range<int>{1, 1000},
        "Passwords that are checked at the same time, on as many threads or PAM processes."};
    conf::Param<conf::Size> hash_memory{
        params, "auth_hash_memory_limit", 512ULL << 20,
        "Memory that ARGON2 hashes may take together; more checks wait for their turn."};
    conf::Param<int> request_limit{
        params, "auth_request_limit", 10000, conf::Range<int>{1, 1000000},
        "Authentications under way; more are answered with a temporary failure."};
    conf::Param<conf::Seconds> exchange_timeout{
        params, "auth_exchange_timeout", 150s, conf::at_least(1s),
        "How long the client may take for its response to a challenge."};
    conf::Param<int> cache_entries{
        params, "auth_cache_entries", 10000, conf::Range<int>{0, 10000000},
        "Correct passwords that are remembered (as a keyed digest), so that a client that comes "
        "back does not cost a slow hash; 0 remembers none."};
    conf::Param<conf::Seconds> cache_ttl{params, "auth_cache_ttl", 3600s,
                                         "How long a correct password is remembered."};

    conf::Param<conf::Seconds> recent_login_time{
        params, "pop_before_smtp_time", 0s,
        "How long after a login over IMAP or POP3 permit_pop_before_smtp lets mail from the same "
        "address through; 0: never."};
    conf::Param<int> recent_logins{
        params, "pop_before_smtp_client_limit", 10000, conf::Range<int>{1, 10000000},
        "Addresses that are remembered for that; of more, the oldest are forgotten."};

    conf::Param<std::string> mail_uid{
        params, "mail_uid", "",
        "The system user (name or number) that owns the mail of users without one of their own.  "
        "Empty: $store_owner, or the user that runs Facteur when that is not root."};
    conf::Param<std::string> mail_gid{
        params, "mail_gid", "", "The group for mail_uid.  Empty: the primary group of that user."};
    conf::Param<conf::Raw> mail_home{
        params, "mail_home", "",
        "Home directory of users without one of their own: %u, %n, %d are expanded."};
    conf::Param<conf::Raw> mail_location{
        params, "mail_location", "maildir:~/Maildir",
        "The mailboxes of users without a mail field: %u, %n, %d, %h and ~ are expanded."};

    TlsFiles smtpd_tls{*this,
                       {"smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_key_file",
                        "smtpd_tls_eccert_file", "smtpd_tls_eckey_file", "", "",
                        "$smtpd_tls_cert_file", "", "$smtpd_tls_eccert_file"}};
    TlsFiles imapd_tls{*this,
                       {"imapd_tls_chain_files", "imapd_tls_cert_file", "imapd_tls_key_file",
                        "imapd_tls_eccert_file", "imapd_tls_eckey_file", "$smtpd_tls_chain_files",
                        "$smtpd_tls_cert_file", "$smtpd_tls_key_file", "$smtpd_tls_eccert_file",
                        "$smtpd_tls_eckey_file"}};
    TlsFiles pop3d_tls{*this,
                       {"pop3d_tls_chain_files", "pop3d_tls_cert_file", "pop3d_tls_key_file",
                        "pop3d_tls_eccert_file", "pop3d_tls_eckey_file", "$smtpd_tls_chain_files",
                        "$smtpd_tls_cert_file", "$smtpd_tls_key_file", "$smtpd_tls_eccert_file",
                        "$smtpd_tls_eckey_file"}};
    // Of the client that sends mail on; usually there is none.
    TlsFiles smtp_tls{
        *this,
        {"smtp_tls_chain_files", "smtp_tls_cert_file", "smtp_tls_key_file", "smtp_tls_eccert_file",
         "smtp_tls_eckey_file", "", "", "$smtp_tls_cert_file", "", "$smtp_tls_eccert_file"}};
    TlsFiles lmtp_tls{
        *this,
        {"lmtp_tls_chain_files", "lmtp_tls_cert_file", "lmtp_tls_key_file", "lmtp_tls_eccert_file",
         "lmtp_tls_eckey_file", "", "", "$lmtp_tls_cert_file", "", "$lmtp_tls_eccert_file"}};
};

}  // namespace facteur::authd
