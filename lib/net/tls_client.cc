#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/net/address.h"
#include "lib/net/openssl.h"
#include "lib/net/remote_key.h"
#include "lib/net/sign.h"
#include "lib/net/tls_sessions.h"

namespace facteur {
namespace {

Result<void> load_authorities(SSL_CTX* context, const TlsClientOptions& options) {
    if (!options.ca_file.empty() &&
        ::SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
        return permanent("cannot read " + options.ca_file + ": " + openssl_error());
    }
    if (!options.ca_path.empty()) ::SSL_CTX_load_verify_dir(context, options.ca_path.c_str());
    X509_STORE* store = ::SSL_CTX_get_cert_store(context);
    for (const X509Ptr& authority : read_certificates(options.ca_pem))
        ::X509_STORE_add_cert(store, authority.get());
    return {};
}

Result<void> use_own_certificate(SSL_CTX* context,
                                 const TlsServerOptions::Certificate& certificate) {
    auto chain = read_certificates(certificate.chain_pem);
    if (chain.empty()) return permanent("no client certificate in PEM form");
    PkeyPtr key;
    EVP_PKEY* public_key = ::X509_get0_pubkey(chain.front().get());
    if (certificate.key_pem.empty()) {
        key.reset(make_remote_key(public_key, public_key_id(public_key)));
    } else {
        TRY(key, read_private_key(certificate.key_pem));
    }
    if (!key || ::SSL_CTX_use_certificate(context, chain.front().get()) != 1 ||
        ::SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
        return permanent("cannot use the client certificate: " + openssl_error());
    }
    for (std::size_t i = 1; i < chain.size(); ++i)
        ::SSL_CTX_add1_chain_cert(context, chain[i].get());
    return {};
}

const unsigned char* octets(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());  // NOLINT
}

/// Has OpenSSL check chain and names together, against records of ours.
bool enable_records(SSL* ssl, const TlsClientWish& wish) {
    const std::string& base = wish.names.empty() ? wish.sni : wish.names.front();
    if (::SSL_dane_enable(ssl, base.c_str()) != 1) return false;
    unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    if (wish.wildcards_span_labels) flags |= X509_CHECK_FLAG_MULTI_LABEL_WILDCARDS;
    ::SSL_set_hostflags(ssl, flags);
    for (std::size_t i = 1; i < wish.names.size(); ++i)
        ::SSL_add1_host(ssl, wish.names[i].c_str());
    return true;
}

/// RFC 7672 section 3.1: usages 2 (DANE-TA) and 3 (DANE-EE) only.  OpenSSL passes over records
/// whose digest is weaker than another one's (RFC 7671 section 9).
bool add_tlsa(SSL* ssl, const TlsClientWish& wish) {
    if (!enable_records(ssl, wish)) return false;
    // RFC 7672 section 3.1.1: names and dates do not count for DANE-EE.
    ::SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    bool usable = false;
    for (const auto& record : wish.tlsa) {
        if (record.usage != 2 && record.usage != 3) continue;
        usable |= ::SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching,
                                      octets(record.data), record.data.size()) == 1;
    }
    return usable;
}

/// smtp_tls_trust_anchor_file: the certificates and bare public keys become records of usage 2.
bool add_anchors(SSL* ssl, const TlsClientWish& wish) {
    if (!enable_records(ssl, wish)) return false;
    bool usable = false;
    for (const TrustAnchor& anchor : read_anchors(wish.anchors_pem)) {
        usable |= ::SSL_dane_tlsa_add(ssl, 2, anchor.is_key ? 1 : 0, 0, octets(anchor.der),
                                      anchor.der.size()) == 1;
    }
    return usable;
}

bool set_versions(SSL* ssl, const TlsClientWish& wish) {
    int least = protocol_version(wish.min_protocol);
    int most = protocol_version(wish.max_protocol);
    return (least == 0 || ::SSL_set_min_proto_version(ssl, least) == 1) &&
           (most == 0 || ::SSL_set_max_proto_version(ssl, most) == 1);
}

bool apply(SSL* ssl, const TlsClientWish& wish) {
    if (!set_versions(ssl, wish)) return false;
    // RFC 6066 section 3: a host name, never an address.
    bool name = !wish.sni.empty() && !Address::from_ip(wish.sni);
    if (name && ::SSL_set_tlsext_host_name(ssl, wish.sni.c_str()) != 1) return false;
    if (!wish.cipher_list.empty() && ::SSL_set_cipher_list(ssl, wish.cipher_list.c_str()) != 1)
        return false;
    ::SSL_set_verify_depth(ssl, wish.depth);
    if (wish.level == TlsClientWish::Level::dane) return add_tlsa(ssl, wish);
    return wish.anchors_pem.empty() || add_anchors(ssl, wish);
}

}  // namespace

Result<std::unique_ptr<TlsClient>> TlsClient::create(const TlsClientOptions& options) {
    SslCtxPtr context(::SSL_CTX_new(::TLS_client_method()));
    if (!context) return temporary("cannot set up TLS: " + openssl_error());
    harden(context.get());
    int least = protocol_version(options.min_protocol);
    if (least == 0 && !options.min_protocol.empty()) {
        return permanent("unknown TLS protocol " + options.min_protocol);
    }
    ::SSL_CTX_set_min_proto_version(context.get(), least);
    if (!options.cipher_list.empty() &&
        ::SSL_CTX_set_cipher_list(context.get(), options.cipher_list.c_str()) != 1) {
        return permanent("bad cipher list " + options.cipher_list + ": " + openssl_error());
    }
    TRY_VOID(load_authorities(context.get(), options));
    for (const auto& certificate : options.certificates) {
        TRY_VOID(use_own_certificate(context.get(), certificate));
    }
    if (!options.certificates.empty()) ::SSL_CTX_set_mode(context.get(), SSL_MODE_ASYNC);
    ::SSL_CTX_dane_enable(context.get());
    // The handshake always goes through; judge_peer() then tells what the certificate is worth.
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    std::unique_ptr<TlsClient> client(new TlsClient(context.release()));
    client->signer_ = options.signer;
    if (options.sessions > 0) {
        TlsSessions::watch(client->context_);
        client->sessions_ = std::make_unique<TlsSessions>(options.sessions, options.session_time);
    }
    return client;
}

TlsClient::TlsClient(SSL_CTX* context) : context_(context) {}

TlsClient::~TlsClient() {
    ::SSL_CTX_free(context_);
}

SSL* TlsClient::new_connection(const TlsClientWish& wish) {
    SSL* ssl = ::SSL_new(context_);
    if (!ssl) return nullptr;
    ::SSL_set_connect_state(ssl);
    if (apply(ssl, wish)) return ssl;
    ::SSL_free(ssl);
    return nullptr;
}

}  // namespace facteur
