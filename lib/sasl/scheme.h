#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lib/sasl/password.h"

/// The password schemes one by one; only password.cc and the families' own files see this.
namespace facteur::sasl {

enum class Family { plain, crypt, digest, argon2, pbkdf2 };
enum class Encoding { none, base64, hex };

/// One row of the table of schemes.
struct Scheme {
    std::string_view name;
    Family family;
    const char* variant = "";  ///< digest: its OpenSSL name; crypt: what crypt_gensalt(3) wants
    Encoding encoding = Encoding::none;  ///< without .HEX or .B64 behind the name
    bool salted = false;                 ///< digest: the salt stands behind it
};

std::span<const Scheme> schemes();

/// Equal in a time that depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

Result<bool> verify_crypt(std::string_view hash, std::string_view password,
                          const PasswordLimits& limits);
Result<std::string> make_crypt(const Scheme& scheme, std::string_view password);

Result<bool> verify_digest(const Scheme& scheme, std::string_view raw, std::string_view password);
Result<std::string> make_digest(const Scheme& scheme, std::string_view password);  ///< raw
std::size_t digest_size(const Scheme& scheme);

Result<bool> verify_pbkdf2(std::string_view hash, std::string_view password,
                           const PasswordLimits& limits);
Result<std::string> make_pbkdf2(std::string_view password);

Result<bool> verify_argon2(std::string_view hash, std::string_view password,
                           const PasswordLimits& limits);
Result<std::string> make_argon2(const Scheme& scheme, std::string_view password);
std::uint64_t argon2_memory_kib(std::string_view hash);

}  // namespace facteur::sasl
