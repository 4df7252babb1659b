#include "lib/net/remote_key.h"

#include <cstring>

#include <fmt/format.h>
#include <openssl/async.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "lib/base/text.h"
#include "lib/net/openssl.h"

// An OpenSSL provider with keys whose private half lives in another process.  It stands in a
// library context of its own, so that nothing else ever fetches an algorithm from it: OpenSSL
// finds the signature through the provider of the key, once the export of a private key to its
// default provider has been refused.

namespace facteur {
namespace {

thread_local RemoteSigning* current_signing = nullptr;

constexpr const char* kKeyParameter = "facteur-key";

struct Key {
    PkeyPtr public_key;
    std::string id;
};

/// One signature: the key, and what the handshake chose.
struct Signature {
    const Key* key = nullptr;
    std::string digest;
    bool pss = false;
};

std::string digest_name(const char* name) {
    // "SHA256", "SHA2-256" and "sha256" are the same.
    std::string text = name ? to_lower(name) : std::string();
    return text.starts_with("sha2-") ? "sha" + text.substr(5) : text;
}

std::string scheme_of(const Signature& signature) {
    EVP_PKEY* key = signature.key->public_key.get();
    if (::EVP_PKEY_is_a(key, "ED25519")) return "ed25519";
    if (::EVP_PKEY_is_a(key, "RSA")) {
        return (signature.pss ? "rsa_pss_rsae_" : "rsa_pkcs1_") + signature.digest;
    }
    // In TLSv1.2 the curve is free (RFC 5246 section 7.4.1.4.1): the digest alone decides.
    if (signature.digest == "sha384") return "ecdsa_secp384r1_sha384";
    if (signature.digest == "sha512") return "ecdsa_secp521r1_sha512";
    return "ecdsa_secp256r1_sha256";
}

// Key management

void* key_new(void*) {
    return new Key;  // NOLINT: OpenSSL owns it until key_free()
}

void key_free(void* key) {
    delete static_cast<Key*>(key);  // NOLINT
}

int key_has(const void*, int) {
    return 1;
}

int key_import(void* key, int, const OSSL_PARAM* params) {
    const OSSL_PARAM* found = ::OSSL_PARAM_locate_const(params, kKeyParameter);
    void* given = nullptr;
    std::size_t size = 0;
    if (!found || ::OSSL_PARAM_get_octet_string(found, &given, 0, &size) != 1) return 0;
    Key* source = nullptr;
    if (size == sizeof source) std::memcpy(&source, given, size);
    ::OPENSSL_free(given);
    if (!source) return 0;
    auto& target = *static_cast<Key*>(key);
    ::EVP_PKEY_up_ref(source->public_key.get());
    target.public_key.reset(source->public_key.get());
    target.id = source->id;
    return 1;
}

const OSSL_PARAM* key_import_types(int) {
    static const OSSL_PARAM kTypes[] = {OSSL_PARAM_octet_string(kKeyParameter, nullptr, 0),
                                        OSSL_PARAM_END};
    return kTypes;
}

int key_export(void* key, int selection, OSSL_CALLBACK* callback, void* argument) {
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) return 0;
    OSSL_PARAM* params = nullptr;
    if (::EVP_PKEY_todata(static_cast<Key*>(key)->public_key.get(), EVP_PKEY_PUBLIC_KEY, &params) !=
        1) {
        return 0;
    }
    int result = callback(params, argument);
    ::OSSL_PARAM_free(params);
    return result;
}

const OSSL_PARAM* key_export_types(int) {
    static const OSSL_PARAM kTypes[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0), OSSL_PARAM_END};
    return kTypes;
}

int key_get_params(void* key, OSSL_PARAM* params) {
    return ::EVP_PKEY_get_params(static_cast<Key*>(key)->public_key.get(), params);
}

const OSSL_PARAM* key_gettable_params(void*) {
    static const OSSL_PARAM kParams[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
        OSSL_PARAM_END};
    return kParams;
}

// Signatures

void* signature_new(void*, const char*) {
    return new Signature;  // NOLINT: OpenSSL owns it until signature_free()
}

void signature_free(void* signature) {
    delete static_cast<Signature*>(signature);  // NOLINT
}

void* signature_copy(void* signature) {
    return new Signature(*static_cast<Signature*>(signature));  // NOLINT
}

int signature_set_params(void* context, const OSSL_PARAM params[]) {
    const OSSL_PARAM* mode = ::OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
    if (!mode) return 1;
    auto& signature = *static_cast<Signature*>(context);
    int number = 0;
    if (mode->data_type == OSSL_PARAM_UTF8_STRING) {
        const char* name = nullptr;
        if (::OSSL_PARAM_get_utf8_string_ptr(mode, &name) != 1) return 0;
        signature.pss = std::strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
        return 1;
    }
    if (::OSSL_PARAM_get_int(mode, &number) != 1) return 0;
    signature.pss = number == RSA_PKCS1_PSS_PADDING;
    return 1;
}

const OSSL_PARAM* signature_settable_params(void*, void*) {
    static const OSSL_PARAM kParams[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0), OSSL_PARAM_END};
    return kParams;
}

int signature_init(void* context, const char* digest, void* key, const OSSL_PARAM params[]) {
    auto& signature = *static_cast<Signature*>(context);
    if (key) signature.key = static_cast<Key*>(key);
    signature.digest = digest_name(digest);
    return params ? signature_set_params(context, params) : 1;
}

/// Stops the handshake until the coroutine that drives it has brought the answer.
std::optional<std::string> ask(SignRequest request) {
    RemoteSigning* signing = current_signing;
    if (!signing || !::ASYNC_get_current_job()) return std::nullopt;
    signing->answer.reset();
    signing->question.emplace(std::move(request));
    while (!signing->answer) {
        if (::ASYNC_pause_job() != 1) return std::nullopt;
    }
    Result<std::string> answer = *std::move(signing->answer);
    signing->answer.reset();
    if (!answer) return std::nullopt;
    return *std::move(answer);
}

int signature_sign(void* context, unsigned char* out, std::size_t* size, std::size_t room,
                   const unsigned char* content, std::size_t content_size) {
    auto& signature = *static_cast<Signature*>(context);
    int most = ::EVP_PKEY_get_size(signature.key->public_key.get());
    if (most <= 0) return 0;
    *size = static_cast<std::size_t>(most);
    if (!out) return 1;
    SignRequest request;
    request.key = signature.key->id;
    request.scheme = scheme_of(signature);
    request.content.assign(reinterpret_cast<const char*>(content), content_size);  // NOLINT
    auto answer = ask(std::move(request));
    if (!answer || answer->size() > room) return 0;
    std::memcpy(out, answer->data(), answer->size());
    *size = answer->size();
    return 1;
}

// The provider

template <class Function>
OSSL_DISPATCH entry(int id, Function* function) {
    return {id, reinterpret_cast<void (*)()>(function)};  // NOLINT: how providers are written
}

const OSSL_ALGORITHM* provider_query(void*, int operation, int* no_cache) {
    static const OSSL_DISPATCH kKeys[] = {
        entry(OSSL_FUNC_KEYMGMT_NEW, key_new),
        entry(OSSL_FUNC_KEYMGMT_FREE, key_free),
        entry(OSSL_FUNC_KEYMGMT_HAS, key_has),
        entry(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
        entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
        entry(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
        entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_export_types),
        entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
        entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),
        {0, nullptr}};
    static const OSSL_DISPATCH kSignatures[] = {
        entry(OSSL_FUNC_SIGNATURE_NEWCTX, signature_new),
        entry(OSSL_FUNC_SIGNATURE_FREECTX, signature_free),
        entry(OSSL_FUNC_SIGNATURE_DUPCTX, signature_copy),
        entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signature_init),
        entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signature_sign),
        entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signature_set_params),
        entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signature_settable_params),
        {0, nullptr}};
    constexpr const char* kProperties = "provider=facteur";
    static const OSSL_ALGORITHM kKeyAlgorithms[] = {
        {"RSA:rsaEncryption", kProperties, kKeys, "remote RSA key"},
        {"EC:id-ecPublicKey", kProperties, kKeys, "remote EC key"},
        {"ED25519", kProperties, kKeys, "remote Ed25519 key"},
        {nullptr, nullptr, nullptr, nullptr}};
    static const OSSL_ALGORITHM kSignatureAlgorithms[] = {
        {"RSA:rsaEncryption", kProperties, kSignatures, "remote RSA signature"},
        {"ECDSA", kProperties, kSignatures, "remote ECDSA signature"},
        {"EC", kProperties, kSignatures, "remote ECDSA signature"},
        {"ED25519", kProperties, kSignatures, "remote Ed25519 signature"},
        {nullptr, nullptr, nullptr, nullptr}};
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT) return kKeyAlgorithms;
    return operation == OSSL_OP_SIGNATURE ? kSignatureAlgorithms : nullptr;
}

int provider_init(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** out,
                  void** context) {
    static const OSSL_DISPATCH kProvider[] = {
        entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query), {0, nullptr}};
    *out = kProvider;
    static int something;
    *context = &something;
    return 1;
}

/// Lives as long as the process: keys point into it.
OSSL_LIB_CTX* library() {
    static OSSL_LIB_CTX* const kLibrary = [] {
        OSSL_LIB_CTX* made = ::OSSL_LIB_CTX_new();
        if (made && (::OSSL_PROVIDER_add_builtin(made, "facteur", provider_init) != 1 ||
                     !::OSSL_PROVIDER_load(made, "facteur"))) {
            ::OSSL_LIB_CTX_free(made);
            made = nullptr;
        }
        return made;
    }();
    return kLibrary;
}

}  // namespace

RemoteSigning::Current::Current(RemoteSigning& signing) : previous_(current_signing) {
    current_signing = &signing;
}

RemoteSigning::Current::~Current() {
    current_signing = previous_;
}

EVP_PKEY* make_remote_key(EVP_PKEY* public_key, std::string id) {
    if (!public_key || !library()) return nullptr;
    ::EVP_PKEY_up_ref(public_key);
    Key key;
    key.public_key.reset(public_key);
    key.id = std::move(id);
    Key* pointer = &key;
    OSSL_PARAM params[] = {
        ::OSSL_PARAM_construct_octet_string(kKeyParameter, &pointer, sizeof pointer),
        ::OSSL_PARAM_construct_end()};
    using ContextPtr = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
    ContextPtr context(::EVP_PKEY_CTX_new_from_name(
        library(), ::EVP_PKEY_get0_type_name(public_key), "provider=facteur"));
    EVP_PKEY* made = nullptr;
    if (!context || ::EVP_PKEY_fromdata_init(context.get()) != 1 ||
        ::EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params) != 1) {
        return nullptr;
    }
    return made;
}

}  // namespace facteur
