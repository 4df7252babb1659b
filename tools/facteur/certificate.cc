#include "tools/facteur/certificate.h"

#include <memory>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace facteur::tool {
namespace {

constexpr long kLifetime = 10L * 365 * 86400;

template <auto Free>
struct Releaser {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Releaser<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Releaser<X509_free>>;
using Bio = std::unique_ptr<BIO, Releaser<BIO_free_all>>;

bool add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

bool set_serial(X509* certificate) {
    std::uint64_t number = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) != 1) return false;
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number >> 1) == 1;
}

bool set_names(X509* certificate, const std::string& hostname) {
    X509_NAME* name = X509_get_subject_name(certificate);
    // The common name has a limit of 64 characters (X.520); who checks looks at the other names.
    std::string common = hostname.substr(0, 64);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(common.c_str()), -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 &&
           add_extension(certificate, NID_subject_alt_name,
                         "DNS:" + hostname + ",DNS:localhost,IP:127.0.0.1,IP:::1") &&
           // A client that is told to trust this very certificate needs it to be an issuer.
           add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(certificate, NID_subject_key_identifier, "hash");
}

std::string text_of(const Bio& bio) {
    char* start = nullptr;
    long size = BIO_get_mem_data(bio.get(), &start);
    return std::string(start, static_cast<std::size_t>(size));
}

}  // namespace

Result<Certificate> self_signed(const std::string& hostname) {
    Key key(EVP_EC_gen("P-256"));
    X509Ptr certificate(X509_new());
    if (!key || !certificate) return temporary("cannot make a key");
    X509_set_version(certificate.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kLifetime);
    if (!set_serial(certificate.get()) || X509_set_pubkey(certificate.get(), key.get()) != 1 ||
        !set_names(certificate.get(), hostname) ||
        X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0)
        return permanent("cannot make a certificate for " + hostname);
    Bio certificate_text(BIO_new(BIO_s_mem()));
    Bio key_text(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
        PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                 nullptr) != 1)
        return temporary("cannot write the certificate");
    return Certificate{text_of(certificate_text), text_of(key_text)};
}

}  // namespace facteur::tool
