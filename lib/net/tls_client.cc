#include <openssl/err.h>

#include "lib/net/address.h"
#include "lib/net/openssl.h"

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

Result<void> use_own_certificate(SSL_CTX* context, const std::string& pem) {
    if (pem.empty()) return {};
    auto chain = read_certificates(pem);
    TRY(PkeyPtr key, read_private_key(pem));
    if (chain.empty() || ::SSL_CTX_use_certificate(context, chain.front().get()) != 1 ||
        ::SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
        return permanent("cannot use the client certificate: " + openssl_error());
    }
    for (std::size_t i = 1; i < chain.size(); ++i)
        ::SSL_CTX_add1_chain_cert(context, chain[i].get());
    return {};
}

/// RFC 7672 section 3.1: usages 2 (DANE-TA) and 3 (DANE-EE) only.
bool add_tlsa(SSL* ssl, const TlsClientWish& wish) {
    const std::string& base = wish.names.empty() ? wish.sni : wish.names.front();
    if (::SSL_dane_enable(ssl, base.c_str()) != 1) return false;
    ::SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    for (std::size_t i = 1; i < wish.names.size(); ++i)
        ::SSL_add1_host(ssl, wish.names[i].c_str());
    bool usable = false;
    for (const auto& record : wish.tlsa) {
        if (record.usage != 2 && record.usage != 3) continue;
        const auto* data = reinterpret_cast<const unsigned char*>(record.data.data());  // NOLINT
        usable |= ::SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching, data,
                                      record.data.size()) == 1;
    }
    return usable;
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
    TRY_VOID(use_own_certificate(context.get(), options.certificate_pem));
    ::SSL_CTX_dane_enable(context.get());
    // The handshake always goes through; judge_peer() then tells what the certificate is worth.
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    return std::unique_ptr<TlsClient>(new TlsClient(context.release()));
}

TlsClient::~TlsClient() {
    ::SSL_CTX_free(context_);
}

SSL* TlsClient::new_connection(const TlsClientWish& wish) {
    SSL* ssl = ::SSL_new(context_);
    if (!ssl) return nullptr;
    ::SSL_set_connect_state(ssl);
    int least = protocol_version(wish.min_protocol);
    bool good = least == 0 || ::SSL_set_min_proto_version(ssl, least) == 1;
    // RFC 6066 section 3: a host name, never an address.
    bool name = !wish.sni.empty() && !Address::from_ip(wish.sni);
    if (name) good = good && ::SSL_set_tlsext_host_name(ssl, wish.sni.c_str()) == 1;
    if (wish.level == TlsClientWish::Level::dane) good = good && add_tlsa(ssl, wish);
    if (good) return ssl;
    ::SSL_free(ssl);
    return nullptr;
}

}  // namespace facteur
