// A stored password from a file that somebody else wrote: no crash, no match, little work.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/sasl/password.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sasl::PasswordLimits limits;
    limits.argon2_memory_kib = 64;
    limits.argon2_iterations = 1;
    limits.rounds = 1000;
    limits.blowfish_log_rounds = 4;
    const std::string_view stored(reinterpret_cast<const char*>(data), size);
    // Long enough that only a scheme that does not compare could match it by chance.
    constexpr std::string_view kPassword = "a password that stands in no corpus: 8Gh0$x";
    auto same = sasl::verify_password(stored, kPassword, "CRYPT", limits);
    if (same && *same && stored.find(kPassword) == std::string_view::npos) {
        if (stored.size() < kPassword.size()) __builtin_trap();
    }
    sasl::password_memory_kib(stored);
    return 0;
}
