#include <memory>

#include <crypt.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/sasl/scheme.h"

namespace facteur::sasl {
namespace {

/// OWASP's floor for bcrypt; libcrypt's own default (5) is of 1999.
constexpr unsigned long kBlowfishLogRounds = 10;

/// crypt(3) without static memory; the 32 KiB of state are wiped by libcrypt itself.
Result<std::string> crypt_with(const std::string& phrase, const std::string& setting) {
    auto state = std::make_unique<crypt_data>();
    const char* hash =
        ::crypt_rn(phrase.c_str(), setting.c_str(), state.get(), static_cast<int>(sizeof *state));
    if (!hash || hash[0] == '*') return permanent("crypt: damaged or unsupported hash");
    return std::string(hash);
}

/// The cost that the hash itself asks for, before anything is spent on it.
bool is_affordable(std::string_view hash, const PasswordLimits& limits) {
    if (hash.starts_with("$2") && hash.size() > 6) {
        const auto cost = parse_number(hash.substr(4, 2));
        return cost && *cost <= limits.blowfish_log_rounds;
    }
    constexpr std::string_view kRounds = "rounds=";
    if (hash.size() > 3 && hash.substr(3).starts_with(kRounds)) {
        const auto number = hash.substr(3 + kRounds.size());
        const auto rounds = parse_number(number.substr(0, number.find('$')));
        return rounds && *rounds <= limits.rounds;
    }
    return true;
}

}  // namespace

Result<bool> verify_crypt(std::string_view hash, std::string_view password,
                          const PasswordLimits& limits) {
    if (hash.find('\0') != std::string_view::npos) return permanent("crypt: NUL in the hash");
    if (!is_affordable(hash, limits)) return permanent("crypt: the hash costs too much");
    std::string phrase(password);
    auto again = crypt_with(phrase, std::string(hash));
    wipe(phrase);
    if (!again) return std::unexpected(std::move(again).error());
    return equal_in_constant_time(*again, hash);
}

Result<std::string> make_crypt(const Scheme& scheme, std::string_view password) {
    const std::string_view variant = scheme.variant;
    const std::string entropy = random_bytes(32);
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!::crypt_gensalt_rn(scheme.variant, variant == "$2y$" ? kBlowfishLogRounds : 0,
                            entropy.data(), static_cast<int>(entropy.size()), setting,
                            sizeof setting)) {
        return system_error("crypt_gensalt_rn");
    }
    return crypt_with(std::string(password), setting);
}

}  // namespace facteur::sasl
