#include "lib/net/tls_fixture_test.h"

#include <utility>

#include <catch2/catch.hpp>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

namespace facteur {

std::string pem_of(const std::function<void(BIO*)>& write) {
    BIO* bio = BIO_new(BIO_s_mem());
    write(bio);
    char* data = nullptr;
    long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

PkeyPtr new_key(const std::string& kind) {
    if (kind == "RSA") return PkeyPtr(EVP_RSA_gen(2048));
    if (kind == "ED25519") return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    return PkeyPtr(EVP_EC_gen(kind.c_str()));
}

Made make_certificate(const std::string& kind, const std::string& name, const Made* issuer) {
    Made made;
    made.key = new_key(kind);
    X509Ptr x509(X509_new());
    X509_set_version(x509.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
    X509_set_pubkey(x509.get(), made.key.get());
    X509_NAME* subject = X509_get_subject_name(x509.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509Ptr signer;
    if (issuer) signer = std::move(read_certificates(issuer->chain_pem).at(0));
    X509_set_issuer_name(x509.get(), signer ? X509_get_subject_name(signer.get()) : subject);
    for (auto [nid, value] : {std::pair(NID_subject_alt_name, "DNS:" + name),
                              std::pair(NID_basic_constraints, std::string("CA:TRUE"))}) {
        if (issuer && nid == NID_basic_constraints) continue;
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
        X509_add_ext(x509.get(), extension, -1);
        X509_EXTENSION_free(extension);
    }
    EVP_PKEY* signing_key = issuer ? issuer->key.get() : made.key.get();
    X509_sign(x509.get(), signing_key,
              EVP_PKEY_is_a(signing_key, "ED25519") ? nullptr : EVP_sha256());
    made.chain_pem = pem_of([&](BIO* bio) { PEM_write_bio_X509(bio, x509.get()); });
    made.key_pem = pem_of([&](BIO* bio) {
        PEM_write_bio_PrivateKey(bio, made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return made;
}

std::unique_ptr<TlsServer> serve_with(const std::vector<TlsServerOptions::Certificate>& list) {
    TlsServerOptions options;
    options.certificates = list;
    auto server = TlsServer::create(options);
    REQUIRE(server);
    return *std::move(server);
}

std::unique_ptr<TlsClient> client_with(const std::string& ca_pem, std::string protocol) {
    TlsClientOptions options;
    options.ca_pem = ca_pem;
    options.min_protocol = std::move(protocol);
    auto client = TlsClient::create(options);
    REQUIRE(client);
    return *std::move(client);
}

}  // namespace facteur
