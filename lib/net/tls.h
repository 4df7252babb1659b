#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/event/task.h"

struct ssl_ctx_st;
struct ssl_st;

namespace facteur {

/// What the handshake agreed on.
struct TlsInfo {
    enum class Trust : std::uint8_t {
        anonymous,  ///< the peer showed no certificate
        untrusted,  ///< a certificate that no known authority signed
        trusted,    ///< a valid chain, but not (or not asked whether) for the expected name
        verified,   ///< a valid chain for an expected name, or a TLSA record that matches
    };
    std::string protocol;    ///< "TLSv1.3"
    std::string cipher;      ///< "TLS_AES_256_GCM_SHA384"
    int bits = 0;            ///< secret bits
    int algorithm_bits = 0;  ///< bits the algorithm can use
    std::string details;     ///< " key-exchange X25519 server-signature …", empty before TLSv1.3
    Trust trust = Trust::anonymous;
    std::string why;        ///< why the chain or the name did not verify; empty when it did
    int why_code = 0;       ///< OpenSSL's X509_V_ERR_…, of `why`
    std::string sni;        ///< the name the client asked for
    std::string peer_name;  ///< common name of the peer's certificate
    std::string issuer_name;
    std::string fingerprint;      ///< of the peer's certificate, as AA:BB:…; SHA-256 unless said
    std::string key_fingerprint;  ///< of its public key likewise; servers only
    bool resumed = false;

    /// "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 …": what
    /// follows "… TLS connection established to host[ip]:port: ".
    std::string text() const;
    /// "Anonymous", "Untrusted", "Trusted", "Verified": how the log line starts.
    std::string_view trust_text() const;
};

/// One question to the holder of a private key (authd).
struct SignRequest {
    std::string key;  ///< SHA-256 of the certificate's SubjectPublicKeyInfo, lower-case hex
    std::string
        scheme;  ///< RFC 8446 section 4.2.3: "rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256"…
    std::string content;  ///< what is signed, before hashing
};
/// Answers with the signature; called on the loop's thread, may wait.
using Signer = std::function<Task<Result<std::string>>(SignRequest)>;

struct TlsServerOptions {
    struct Certificate {
        std::string chain_pem;  ///< leaf first
        std::string key_pem;    ///< empty: the key is elsewhere, `signer` is asked
    };
    /// The first is the default; others are chosen when the client asks for one of their names.
    std::vector<Certificate> certificates;
    Signer signer;
    std::string min_protocol = "TLSv1.2";
    std::string max_protocol;  ///< empty: no limit
    std::string cipher_list;   ///< OpenSSL's syntax, TLSv1.2 and below; empty: its default
    bool prefer_server_ciphers = false;
    bool tickets = true;
    /// 80 random bytes that all workers of a service share, so that a ticket of one is good for
    /// the others; empty: this process makes its own.
    std::string ticket_keys;
    bool ask_client_certificate = false;
    std::string ca_file;   ///< for client certificates
    std::string ca_pem;    ///< the same as text, for a process that can open no file
    int verify_depth = 9;  ///< certificates between a client's and its authority's
    std::string fingerprint_digest = "sha256";  ///< of client certificates
    std::string curves;                         ///< "X25519:prime256v1"; empty: OpenSSL's choice
    std::uint64_t ssl_options = 0;              ///< SSL_OP_*, besides ours
};

/// What a server needs for handshakes; shared by all its connections.
class TlsServer {
public:
    /// Reads nothing from disk (but ca_file), so it can be made inside a sandbox.
    static Result<std::unique_ptr<TlsServer>> create(const TlsServerOptions& options);
    ~TlsServer();
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    ssl_st* new_connection();  ///< used by Stream
    const Signer& signer() const { return signer_; }
    const std::string& fingerprint_digest() const { return fingerprint_digest_; }

    struct Contexts;

private:
    TlsServer();
    std::unique_ptr<Contexts> contexts_;
    Signer signer_;
    std::string fingerprint_digest_;
};

struct TlsClientOptions {
    std::string ca_file;  ///< PEM, read at once
    std::string ca_path;  ///< hashed directory, read when needed
    std::string ca_pem;   ///< PEM text, for a process that can open no file
    std::string min_protocol = "TLSv1.2";
    std::string cipher_list;
    /// Client certificates, one for each kind of key; as TlsServerOptions has them.
    std::vector<TlsServerOptions::Certificate> certificates;
    Signer signer;               ///< for those whose key is elsewhere
    std::size_t sessions = 0;    ///< how many are remembered, to be resumed; 0: none
    Seconds session_time{3600};  ///< for how long
};

/// What one client connection wants; the handshake itself fails only for what `level` demands.
struct TlsClientWish {
    enum class Level : std::uint8_t {
        opportunistic,  ///< any certificate will do
        fingerprint,    ///< one of `fingerprints`, of the certificate or of its key
        verify,         ///< a trusted chain for one of `names`
        dane,           ///< a TLSA record that matches (RFC 7672)
    };
    struct Tlsa {
        std::uint8_t usage = 0, selector = 0, matching = 0;
        std::string data;
    };
    std::string sni;  ///< empty: none is sent
    Level level = Level::opportunistic;
    /// "mx.example.com"; ".example.com" stands for every name below it.
    std::vector<std::string> names;
    bool wildcards_span_labels = false;  ///< "*.example.com" covers a.b.example.com
    std::vector<Tlsa> tlsa;
    std::vector<std::string> fingerprints;  ///< "AA:BB:…"
    std::string digest;                     ///< of those: "sha256"
    /// PEM certificates and public keys that a chain must lead to, instead of the authorities.
    std::string anchors_pem;
    int depth = 9;             ///< most certificates between the server's own and the authority
    std::string min_protocol;  ///< empty: that of the options
    std::string max_protocol;
    std::string cipher_list;
    /// Whose sessions may be resumed: the server.  Those of another wish never are.  Empty: none.
    std::string session_of;
};

class TlsSessions;

class TlsClient {
public:
    static Result<std::unique_ptr<TlsClient>> create(const TlsClientOptions& options);
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    ssl_st* new_connection(const TlsClientWish& wish);  ///< used by Stream; nullptr: bad wish
    const Signer& signer() const { return signer_; }
    TlsSessions* sessions() { return sessions_.get(); }  ///< nullptr: none are kept

private:
    explicit TlsClient(ssl_ctx_st* context);
    ssl_ctx_st* context_;
    Signer signer_;
    std::unique_ptr<TlsSessions> sessions_;
};

/// SHA-256 of the SubjectPublicKeyInfo of the first certificate in the PEM text, lower-case hex:
/// SignRequest::key.
Result<std::string> certificate_key_id(std::string_view chain_pem);

}  // namespace facteur
