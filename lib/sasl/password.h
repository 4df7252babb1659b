#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace facteur::sasl {

/// What one check may cost, whatever a file says: an administrator imports files that others made.
struct PasswordLimits {
    std::uint32_t argon2_memory_kib = 1024 * 1024;
    std::uint32_t argon2_iterations = 64;
    std::uint32_t rounds = 5'000'000;  ///< SHA256-CRYPT, SHA512-CRYPT, PBKDF2
    std::uint32_t blowfish_log_rounds = 16;
};

/// Is this the password?  `stored` is as Dovecot writes it: "{SCHEME}hash", "{SCHEME.HEX}hash",
/// "{SCHEME.B64}hash"; without {} it is of `default_scheme`.  The comparison takes the same time
/// wherever the difference is.  Error: unknown scheme, damaged hash, a cost beyond the limits.
Result<bool> verify_password(std::string_view stored, std::string_view password,
                             std::string_view default_scheme = "CRYPT",
                             const PasswordLimits& limits = {});

/// "{SCHEME}hash" with a fresh salt; Error when there is no such scheme to make.
Result<std::string> make_password(std::string_view scheme, std::string_view password);

/// What make_password() knows, the recommended ones first.
std::vector<std::string_view> password_schemes();

/// Memory in KiB that verifying `stored` takes: to bound how many run at a time.
std::uint64_t password_memory_kib(std::string_view stored);

/// Overwrites a secret before its memory is given back.
void wipe(std::string& secret);

}  // namespace facteur::sasl
