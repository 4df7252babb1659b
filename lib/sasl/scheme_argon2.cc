#include <optional>

#include <argon2.h>
#include <fmt/format.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/sasl/scheme.h"

namespace facteur::sasl {
namespace {

constexpr std::uint32_t kOutputSize = 32;
constexpr std::size_t kArgonSalt = 16;

/// "m=65536,t=3,p=1" of "$argon2id$v=19$m=65536,t=3,p=1$salt$hash".
struct Cost {
    std::uint64_t memory_kib = 0;
    std::uint64_t iterations = 0;
    std::uint64_t lanes = 0;
};

std::optional<Cost> cost_of(std::string_view hash) {
    for (std::string_view part : split(hash, '$')) {
        if (!part.starts_with("m=")) continue;
        Cost cost;
        for (std::string_view setting : split(part, ',')) {
            if (setting.size() < 3 || setting[1] != '=') return std::nullopt;
            const auto value = parse_number(setting.substr(2));
            if (!value) return std::nullopt;
            if (setting[0] == 'm') cost.memory_kib = *value;
            if (setting[0] == 't') cost.iterations = *value;
            if (setting[0] == 'p') cost.lanes = *value;
        }
        return cost;
    }
    return std::nullopt;
}

}  // namespace

std::uint64_t argon2_memory_kib(std::string_view hash) {
    const auto cost = cost_of(hash);
    return cost ? cost->memory_kib : 0;
}

Result<bool> verify_argon2(std::string_view hash, std::string_view password,
                           const PasswordLimits& limits) {
    const auto cost = cost_of(hash);
    if (!cost || hash.find('\0') != std::string_view::npos) {
        return permanent("argon2: damaged hash");
    }
    // Each lane is a thread: a file must not be able to ask for thousands of them.
    if (cost->memory_kib > limits.argon2_memory_kib ||
        cost->iterations > limits.argon2_iterations || cost->lanes > 16) {
        return permanent("argon2: the hash costs too much");
    }
    const auto type = hash.starts_with("$argon2id$") ? Argon2_id : Argon2_i;
    const int code =
        ::argon2_verify(std::string(hash).c_str(), password.data(), password.size(), type);
    if (code == ARGON2_OK) return true;
    if (code == ARGON2_VERIFY_MISMATCH) return false;
    if (code == ARGON2_MEMORY_ALLOCATION_ERROR || code == ARGON2_THREAD_FAIL) {
        return temporary(::argon2_error_message(code));
    }
    return permanent(fmt::format("argon2: {}", ::argon2_error_message(code)));
}

Result<std::string> make_argon2(const Scheme& scheme, std::string_view password) {
    // The cost that doveadm pw uses (libsodium's "moderate" for i, "interactive" for id).
    const auto type = std::string_view(scheme.variant) == "id" ? Argon2_id : Argon2_i;
    const std::uint32_t iterations = type == Argon2_id ? 3 : 4;
    const std::uint32_t memory_kib = type == Argon2_id ? 65536 : 32768;
    const std::string salt = random_bytes(kArgonSalt);
    char encoded[256];
    const int code = type == Argon2_id
                         ? ::argon2id_hash_encoded(iterations, memory_kib, 1, password.data(),
                                                   password.size(), salt.data(), salt.size(),
                                                   kOutputSize, encoded, sizeof encoded)
                         : ::argon2i_hash_encoded(iterations, memory_kib, 1, password.data(),
                                                  password.size(), salt.data(), salt.size(),
                                                  kOutputSize, encoded, sizeof encoded);
    if (code != ARGON2_OK) return temporary(::argon2_error_message(code));
    return std::string(encoded);
}

}  // namespace facteur::sasl
