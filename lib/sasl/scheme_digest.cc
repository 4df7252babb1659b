#include <fmt/format.h>
#include <openssl/evp.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/sasl/scheme.h"

namespace facteur::sasl {
namespace {

constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kPbkdf2Size = 20;
constexpr int kPbkdf2Rounds = 600'000;

Result<std::string> digest_of(const char* name, std::string_view password, std::string_view salt) {
    std::string input;
    input.append(password).append(salt);
    unsigned char out[EVP_MAX_MD_SIZE];
    std::size_t size = 0;
    const int ok = ::EVP_Q_digest(nullptr, name, nullptr, input.data(), input.size(), out, &size);
    wipe(input);
    if (ok != 1) return permanent(std::string("OpenSSL has no digest ") + name);
    return std::string(reinterpret_cast<const char*>(out), size);
}

Result<std::string> pbkdf2_of(std::string_view password, std::string_view salt, int rounds) {
    unsigned char out[kPbkdf2Size];
    if (::PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                            reinterpret_cast<const unsigned char*>(salt.data()),
                            static_cast<int>(salt.size()), rounds, ::EVP_sha1(), sizeof out,
                            out) != 1) {
        return permanent("PBKDF2 failed");
    }
    return hex_encode(std::string_view(reinterpret_cast<const char*>(out), sizeof out));
}

}  // namespace

std::size_t digest_size(const Scheme& scheme) {
    const EVP_MD* md = ::EVP_get_digestbyname(scheme.variant);
    return md ? static_cast<std::size_t>(::EVP_MD_get_size(md)) : 0;
}

Result<bool> verify_digest(const Scheme& scheme, std::string_view raw, std::string_view password) {
    const std::size_t size = digest_size(scheme);
    if (raw.size() < size || (!scheme.salted && raw.size() != size)) {
        return permanent("digest of the wrong length");
    }
    TRY(auto mine, digest_of(scheme.variant, password, raw.substr(size)));
    return equal_in_constant_time(mine, raw.substr(0, size));
}

Result<std::string> make_digest(const Scheme& scheme, std::string_view password) {
    const std::string salt = scheme.salted ? random_bytes(kSaltSize) : std::string();
    TRY(auto digest, digest_of(scheme.variant, password, salt));
    return digest + salt;
}

// "$1$salt$rounds$hex of 20 bytes", PBKDF2 with HMAC-SHA-1: the only form Dovecot has.
Result<bool> verify_pbkdf2(std::string_view hash, std::string_view password,
                           const PasswordLimits& limits) {
    const auto parts = split(hash, '$');
    if (parts.size() != 5 || !parts[0].empty() || parts[1] != "1") {
        return permanent("PBKDF2: damaged hash");
    }
    const auto rounds = parse_number(parts[3]);
    if (!rounds || *rounds == 0) return permanent("PBKDF2: damaged hash");
    if (*rounds > limits.rounds) return permanent("PBKDF2: the hash costs too much");
    TRY(auto mine, pbkdf2_of(password, parts[2], static_cast<int>(*rounds)));
    return equal_in_constant_time(mine, to_lower(parts[4]));
}

Result<std::string> make_pbkdf2(std::string_view password) {
    const std::string salt = hex_encode(random_bytes(kSaltSize / 2));
    TRY(auto hash, pbkdf2_of(password, salt, kPbkdf2Rounds));
    return fmt::format("$1${}${}${}", salt, kPbkdf2Rounds, hash);
}

}  // namespace facteur::sasl
