#include "lib/net/openssl.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/net/sign.h"

namespace facteur {

std::string openssl_error() {
    unsigned long code = ::ERR_get_error();
    ::ERR_clear_error();
    if (code == 0) return "unknown error";
    const char* reason = ::ERR_reason_error_string(code);
    return reason ? reason : fmt::format("error {:08X}", code);
}

int protocol_version(std::string_view name) {
    // Postfix's ">=TLSv1.2" means the same here.
    while (name.starts_with('>') || name.starts_with('=') || name.starts_with('<'))
        name.remove_prefix(1);
    if (iequals(name, "TLSv1")) return TLS1_VERSION;
    if (iequals(name, "TLSv1.1")) return TLS1_1_VERSION;
    if (iequals(name, "TLSv1.2")) return TLS1_2_VERSION;
    if (iequals(name, "TLSv1.3")) return TLS1_3_VERSION;
    return 0;
}

namespace {

using BioPtr = std::unique_ptr<BIO, Free<BIO_free>>;

BioPtr memory_bio(std::string_view text) {
    return BioPtr(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

std::vector<X509Ptr> read_certificates(std::string_view pem) {
    std::vector<X509Ptr> chain;
    BioPtr bio = memory_bio(pem);
    while (X509* certificate = ::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
        chain.emplace_back(certificate);
    ::ERR_clear_error();
    return chain;
}

Result<PkeyPtr> read_private_key(std::string_view pem) {
    BioPtr bio = memory_bio(pem);
    PkeyPtr key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    if (!key) return permanent("no private key in PEM form: " + openssl_error());
    return key;
}

std::vector<TrustAnchor> read_anchors(std::string_view pem) {
    std::vector<TrustAnchor> anchors;
    BioPtr bio = memory_bio(pem);
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    while (::PEM_read_bio(bio.get(), &name, &header, &data, &size) == 1) {
        std::string_view kind(name);
        bool is_key = kind == PEM_STRING_PUBLIC;
        bool wanted = is_key || kind == PEM_STRING_X509 || kind == PEM_STRING_X509_OLD;
        if (wanted) {
            auto length = static_cast<std::size_t>(size);
            anchors.push_back({is_key, {reinterpret_cast<char*>(data), length}});  // NOLINT
        }
        ::OPENSSL_free(name);
        ::OPENSSL_free(header);
        ::OPENSSL_free(data);
    }
    ::ERR_clear_error();
    return anchors;
}

Result<std::string> certificate_key_id(std::string_view chain_pem) {
    auto chain = read_certificates(chain_pem);
    if (chain.empty()) return permanent("no certificate in PEM form");
    return public_key_id(::X509_get0_pubkey(chain.front().get()));
}

void harden(SSL_CTX* context) {
    ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_read_ahead(context, 1);
    ::SSL_CTX_set_dh_auto(context, 1);
}

namespace {

std::string name_entry(const X509_NAME* name, int nid) {
    int index = ::X509_NAME_get_index_by_NID(name, nid, -1);
    if (index < 0) return {};
    unsigned char* utf8 = nullptr;
    int size = ::ASN1_STRING_to_UTF8(
        &utf8, ::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(name, index)));
    if (size < 0) return {};
    std::string text = printable(std::string_view(reinterpret_cast<char*>(utf8),  // NOLINT
                                                  static_cast<std::size_t>(size)),
                                 128);
    ::OPENSSL_free(utf8);
    return text;
}

std::string in_hex(const unsigned char* digest, unsigned size) {
    std::string text;
    for (unsigned i = 0; i < size; ++i)
        text += fmt::format("{}{:02X}", i ? ":" : "", digest[i]);
    return text;
}

std::string fingerprint(const X509* certificate, const EVP_MD* kind) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (::X509_digest(certificate, kind, digest, &size) != 1) return {};
    return in_hex(digest, size);
}

/// Of the whole SubjectPublicKeyInfo, as Postfix has it.
std::string key_fingerprint(const X509* certificate, const EVP_MD* kind) {
    unsigned char* der = nullptr;
    const int length = ::i2d_X509_PUBKEY(::X509_get_X509_PUBKEY(certificate), &der);
    if (length <= 0) return {};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const int done =
        ::EVP_Digest(der, static_cast<std::size_t>(length), digest, &size, kind, nullptr);
    ::OPENSSL_free(der);
    return done == 1 ? in_hex(digest, size) : std::string();
}

/// "RSA-PSS (2048 bits) server-digest SHA256", as Postfix tells it.
std::string signature_text(SSL* ssl, bool server, EVP_PKEY* key) {
    int type = NID_undef;
    int digest = NID_undef;
    if (server) {
        ::SSL_get_signature_type_nid(ssl, &type);
        ::SSL_get_signature_nid(ssl, &digest);
    } else {
        ::SSL_get_peer_signature_type_nid(ssl, &type);
        ::SSL_get_peer_signature_nid(ssl, &digest);
    }
    if (type == NID_undef || !key) return {};
    const char* name = type == EVP_PKEY_RSA_PSS || type == EVP_PKEY_RSA ? "RSA-PSS"
                       : type == EVP_PKEY_EC                            ? "ECDSA"
                                                                        : ::OBJ_nid2sn(type);
    std::string text =
        fmt::format(" server-signature {} ({} bits)", name, ::EVP_PKEY_get_bits(key));
    char group[64];
    std::size_t size = 0;
    if (type == EVP_PKEY_EC && ::EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1) {
        text = fmt::format(" server-signature ECDSA ({})", group);
    }
    if (digest != NID_undef) text += fmt::format(" server-digest {}", ::OBJ_nid2sn(digest));
    return text;
}

std::string handshake_details(SSL* ssl) {
    if (::SSL_version(ssl) < TLS1_3_VERSION || ::SSL_session_reused(ssl)) return {};
    std::string text;
    EVP_PKEY* exchanged = nullptr;
    bool server = ::SSL_is_server(ssl) == 1;
    if (::SSL_get_peer_tmp_key(ssl, &exchanged) == 1) {
        PkeyPtr owned(exchanged);
        char group[64];
        std::size_t size = 0;
        if (::EVP_PKEY_get_group_name(exchanged, group, sizeof group, &size) == 1) {
            text = fmt::format(" key-exchange ECDHE ({})", group);
        } else if (const char* name = ::EVP_PKEY_get0_type_name(exchanged)) {
            text = fmt::format(" key-exchange {}", name);
        }
    }
    X509* certificate = server ? ::SSL_get_certificate(ssl) : ::SSL_get0_peer_certificate(ssl);
    if (certificate) text += signature_text(ssl, server, ::X509_get0_pubkey(certificate));
    return text;
}

}  // namespace

bool is_digest(const std::string& name) {
    return ::EVP_get_digestbyname(name.c_str()) != nullptr;
}

void add_fingerprints(SSL* ssl, const std::string& digest, TlsInfo& info) {
    const X509* peer = ::SSL_get0_peer_certificate(ssl);
    const EVP_MD* kind = ::EVP_get_digestbyname(digest.c_str());
    if (!peer || !kind) return;
    info.fingerprint = fingerprint(peer, kind);
    info.key_fingerprint = key_fingerprint(peer, kind);
}

TlsInfo describe(SSL* ssl) {
    TlsInfo info;
    info.protocol = ::SSL_get_version(ssl);
    const SSL_CIPHER* cipher = ::SSL_get_current_cipher(ssl);
    info.cipher = ::SSL_CIPHER_get_name(cipher);
    info.bits = ::SSL_CIPHER_get_bits(cipher, &info.algorithm_bits);
    info.details = handshake_details(ssl);
    info.resumed = ::SSL_session_reused(ssl) == 1;
    if (const char* name = ::SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
        info.sni = printable(name, 255);
    }
    const X509* peer = ::SSL_get0_peer_certificate(ssl);
    if (!peer) return info;
    info.peer_name = name_entry(::X509_get_subject_name(peer), NID_commonName);
    info.issuer_name = name_entry(::X509_get_issuer_name(peer), NID_commonName);
    info.fingerprint = fingerprint(peer, ::EVP_sha256());
    long verdict = ::SSL_get_verify_result(ssl);
    info.trust = verdict == X509_V_OK ? TlsInfo::Trust::trusted : TlsInfo::Trust::untrusted;
    info.why_code = static_cast<int>(verdict);
    if (verdict != X509_V_OK) info.why = ::X509_verify_cert_error_string(verdict);
    return info;
}

std::string TlsInfo::text() const {
    return fmt::format("{} with cipher {} ({}/{} bits){}", protocol, cipher, bits, algorithm_bits,
                       details);
}

std::string_view TlsInfo::trust_text() const {
    switch (trust) {
        case Trust::anonymous:
            return "Anonymous";
        case Trust::untrusted:
            return "Untrusted";
        case Trust::trusted:
            return "Trusted";
        case Trust::verified:
            return "Verified";
    }
    return "Anonymous";
}

}  // namespace facteur
