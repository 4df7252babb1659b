#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "lib/net/tls.h"

// What the TLS parts share; not for others: OpenSSL's headers are slow to compile.

namespace facteur {

template <auto function>
struct Free {
    template <class T>
    void operator()(T* pointer) const {
        function(pointer);
    }
};
using SslCtxPtr = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, Free<X509_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

/// The first error in OpenSSL's queue, for people; empties the queue.
std::string openssl_error();

/// "TLSv1.2" to TLS1_2_VERSION; 0 for an empty or unknown name.
int protocol_version(std::string_view name);

/// The certificates of a PEM text, leaf first.
std::vector<X509Ptr> read_certificates(std::string_view pem);
Result<PkeyPtr> read_private_key(std::string_view pem);

struct TrustAnchor {
    bool is_key = false;  ///< a bare public key rather than a certificate
    std::string der;
};
/// The certificates and public keys of a PEM text.
std::vector<TrustAnchor> read_anchors(std::string_view pem);

/// What every context gets, server or client.
void harden(SSL_CTX* context);

/// After the handshake.
TlsInfo describe(SSL* ssl);
/// Whether OpenSSL has a digest of this name.
bool is_digest(const std::string& name);
/// The digests of a client's certificate and of its public key.
void add_fingerprints(SSL* ssl, const std::string& digest, TlsInfo& info);
/// Whether the peer is who the wish demands; fills in what it finds.
Result<void> judge_peer(SSL* ssl, const TlsClientWish& wish, TlsInfo& info);

}  // namespace facteur
