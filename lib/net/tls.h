#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
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
    std::string sni;        ///< the name the client asked for
    std::string peer_name;  ///< common name of the peer's certificate
    std::string issuer_name;
    std::string fingerprint;  ///< SHA-256 of the peer's certificate, as AA:BB:…
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
    std::string ca_file;  ///< for client certificates
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

    struct Contexts;

private:
    TlsServer();
    std::unique_ptr<Contexts> contexts_;
    Signer signer_;
};

struct TlsClientOptions {
    std::string ca_file;  ///< PEM, read at once
    std::string ca_path;  ///< hashed directory, read when needed
    std::string ca_pem;   ///< PEM text, for a process that can open no file
    std::string min_protocol = "TLSv1.2";
    std::string cipher_list;
    std::string certificate_pem;  ///< client certificate with chain and key; empty: none
};

/// What one client connection wants; the handshake itself fails only for what `level` demands.
struct TlsClientWish {
    enum class Level : std::uint8_t {
        opportunistic,  ///< any certificate will do
        verify,         ///< a trusted chain for one of `names`, or the handshake fails
        dane,           ///< a TLSA record that matches (RFC 7672), or the handshake fails
    };
    struct Tlsa {
        std::uint8_t usage = 0, selector = 0, matching = 0;
        std::string data;
    };
    std::string sni;  ///< empty: none is sent
    Level level = Level::opportunistic;
    /// "mx.example.com"; ".example.com" stands for every name below it.
    std::vector<std::string> names;
    std::vector<Tlsa> tlsa;
    std::string min_protocol;  ///< empty: that of the options
};

class TlsClient {
public:
    static Result<std::unique_ptr<TlsClient>> create(const TlsClientOptions& options);
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    ssl_st* new_connection(const TlsClientWish& wish);  ///< used by Stream; nullptr: bad wish

private:
    explicit TlsClient(ssl_ctx_st* context) : context_(context) {}
    ssl_ctx_st* context_;
};

/// SHA-256 of the SubjectPublicKeyInfo of the first certificate in the PEM text, lower-case hex:
/// SignRequest::key.
Result<std::string> certificate_key_id(std::string_view chain_pem);

}  // namespace facteur
