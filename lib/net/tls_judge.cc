// Whether the server of a client connection is who it should be.

#include <algorithm>

#include <openssl/x509v3.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/net/openssl.h"

namespace facteur {
namespace {

using Level = TlsClientWish::Level;
using Trust = TlsInfo::Trust;

bool is_named(X509* certificate, const TlsClientWish& wish) {
    unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    if (wish.wildcards_span_labels) flags |= X509_CHECK_FLAG_MULTI_LABEL_WILDCARDS;
    return std::ranges::any_of(wish.names, [&](const std::string& name) {
        return ::X509_check_host(certificate, name.data(), name.size(), flags, nullptr) == 1;
    });
}

/// "AA:BB:CC" and "aabbcc" are the same.
std::string plain_hex(std::string_view text) {
    std::string hex;
    for (char c : text) {
        if (c != ':') hex += c;
    }
    return to_lower(hex);
}

std::string digest_hex(const EVP_MD* digest, const unsigned char* data, std::size_t size) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned out_size = 0;
    if (::EVP_Digest(data, size, out, &out_size, digest, nullptr) != 1) return {};
    return hex_encode({reinterpret_cast<char*>(out), out_size});  // NOLINT
}

std::string der_digest(const EVP_MD* digest, unsigned char* der, int size) {
    std::string hex;
    if (size > 0) hex = digest_hex(digest, der, static_cast<std::size_t>(size));
    ::OPENSSL_free(der);
    return hex;
}

/// The fingerprint of the certificate or of its public key, as smtp_tls_fingerprint_cert_match has
/// it; the key's survives a renewal.
bool has_fingerprint(X509* certificate, const TlsClientWish& wish) {
    const EVP_MD* digest = ::EVP_get_digestbyname(wish.digest.c_str());
    if (!digest) return false;
    unsigned char* der = nullptr;
    int size = ::i2d_X509(certificate, &der);
    std::string of_certificate = der_digest(digest, der, size);
    der = nullptr;
    size = ::i2d_PUBKEY(::X509_get0_pubkey(certificate), &der);
    std::string of_key = der_digest(digest, der, size);
    return std::ranges::any_of(wish.fingerprints, [&](const std::string& wanted) {
        std::string hex = plain_hex(wanted);
        return !hex.empty() && (hex == of_certificate || hex == of_key);
    });
}

/// With TLSA records or anchors OpenSSL has checked the names along with the chain.
void judge_anchored(SSL* ssl, TlsInfo& info) {
    bool anchored = ::SSL_get0_dane_authority(ssl, nullptr, nullptr) >= 0;
    if (info.trust == Trust::trusted && anchored) info.trust = Trust::verified;
    if (info.trust == Trust::trusted) {
        info.trust = Trust::untrusted;
        info.why = "no TLSA record or trust anchor matches";
    }
    if (info.why_code == X509_V_ERR_HOSTNAME_MISMATCH) info.trust = Trust::trusted;
}

void judge(SSL* ssl, const TlsClientWish& wish, TlsInfo& info) {
    X509* peer = ::SSL_get0_peer_certificate(ssl);
    if (!peer) return;
    if (wish.level == Level::fingerprint) {
        if (has_fingerprint(peer, wish)) {
            info.trust = Trust::verified;
        } else {
            info.trust = Trust::untrusted;
            info.why = "no fingerprint matches";
        }
    } else if (wish.level == Level::dane || !wish.anchors_pem.empty()) {
        judge_anchored(ssl, info);
    } else if (info.trust == Trust::trusted && !wish.names.empty()) {
        if (is_named(peer, wish)) {
            info.trust = Trust::verified;
        } else {
            info.why_code = X509_V_ERR_HOSTNAME_MISMATCH;
            info.why = ::X509_verify_cert_error_string(info.why_code);
        }
    }
}

}  // namespace

Result<void> judge_peer(SSL* ssl, const TlsClientWish& wish, TlsInfo& info) {
    // Only sessions that passed this test are kept to be resumed.
    if (info.resumed) return {};
    judge(ssl, wish, info);
    if (wish.level == Level::opportunistic || info.trust == Trust::verified) return {};
    return temporary(info.trust == Trust::trusted ? "Server certificate not verified"
                                                  : "Server certificate not trusted",
                     "4.7.5");
}

}  // namespace facteur
