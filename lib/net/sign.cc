#include "lib/net/sign.h"

#include <cstdlib>

#include <openssl/rsa.h>

#include "lib/base/encoding.h"
#include "lib/net/openssl.h"

namespace facteur {
namespace {

struct Scheme {
    std::string_view name;
    const char* key_type;
    const char* digest;  ///< nullptr: the algorithm hashes by itself
    int padding;
};

// RFC 8446 section 4.2.3, and for TLSv1.2 the rsa_pkcs1 ones.
constexpr Scheme kSchemes[] = {
    {"rsa_pss_rsae_sha256", "RSA", "SHA256", RSA_PKCS1_PSS_PADDING},
    {"rsa_pss_rsae_sha384", "RSA", "SHA384", RSA_PKCS1_PSS_PADDING},
    {"rsa_pss_rsae_sha512", "RSA", "SHA512", RSA_PKCS1_PSS_PADDING},
    {"rsa_pkcs1_sha256", "RSA", "SHA256", RSA_PKCS1_PADDING},
    {"rsa_pkcs1_sha384", "RSA", "SHA384", RSA_PKCS1_PADDING},
    {"rsa_pkcs1_sha512", "RSA", "SHA512", RSA_PKCS1_PADDING},
    {"ecdsa_secp256r1_sha256", "EC", "SHA256", 0},
    {"ecdsa_secp384r1_sha384", "EC", "SHA384", 0},
    {"ecdsa_secp521r1_sha512", "EC", "SHA512", 0},
    {"ed25519", "ED25519", nullptr, 0},
};

const Scheme* find_scheme(std::string_view name) {
    for (const Scheme& scheme : kSchemes) {
        if (scheme.name == name) return &scheme;
    }
    return nullptr;
}

using MdPtr = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

}  // namespace

Result<std::string> sign_with_key(EVP_PKEY* key, std::string_view scheme_name,
                                  std::string_view content) {
    const Scheme* scheme = find_scheme(scheme_name);
    if (!scheme || ::EVP_PKEY_is_a(key, scheme->key_type) != 1) {
        return permanent("this key does not sign with " + std::string(scheme_name));
    }
    MdPtr md(::EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    bool good = ::EVP_DigestSignInit_ex(md.get(), &options, scheme->digest, nullptr, nullptr, key,
                                        nullptr) == 1;
    if (scheme->padding != 0) {
        good = good && ::EVP_PKEY_CTX_set_rsa_padding(options, scheme->padding) == 1;
    }
    if (scheme->padding == RSA_PKCS1_PSS_PADDING) {
        good = good && ::EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(content.data());  // NOLINT
    std::size_t size = 0;
    good = good && ::EVP_DigestSign(md.get(), nullptr, &size, bytes, content.size()) == 1;
    std::string signature(size, '\0');
    auto* out = reinterpret_cast<unsigned char*>(signature.data());  // NOLINT
    good = good && ::EVP_DigestSign(md.get(), out, &size, bytes, content.size()) == 1;
    if (!good) return temporary("cannot sign: " + openssl_error());
    signature.resize(size);
    return signature;
}

std::string public_key_id(EVP_PKEY* key) {
    unsigned char* der = nullptr;
    int size = ::i2d_PUBKEY(key, &der);
    if (size <= 0) return {};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    ::EVP_Digest(der, static_cast<std::size_t>(size), digest, &digest_size, ::EVP_sha256(),
                 nullptr);
    ::OPENSSL_free(der);
    return hex_encode({reinterpret_cast<const char*>(digest), digest_size});  // NOLINT
}

}  // namespace facteur
