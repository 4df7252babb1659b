#include "lib/smtp/srs.h"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"

namespace facteur::smtp {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::int64_t kDaySeconds = 86400;
constexpr std::int64_t kDays = 1024;
constexpr std::size_t kSrsTag = 4;  // "SRS0"

/// 0, 1, or -1: the local part is none that a forwarder made.
int scheme_of(std::string_view local) {
    if (local.size() <= kSrsTag || !istarts_with(local, "SRS")) return -1;
    if (local[3] != '0' && local[3] != '1') return -1;
    return std::string_view("=+-").find(local[kSrsTag]) == std::string_view::npos ? -1
                                                                                  : local[3] - '0';
}

/// What stands before the next '='; the rest begins behind it.
bool take_part(std::string_view& rest, std::string_view& part) {
    const auto end = rest.find('=');
    if (end == std::string_view::npos || end == 0) return false;
    part = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return true;
}

/// Days since the day that two characters of base32 mean; -1: they are none.
std::int64_t age_of(std::string_view day, std::int64_t now) {
    if (day.size() != 2) return -1;
    std::int64_t value = 0;
    for (char c : day) {
        const auto digit = kBase32.find(c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
        if (digit == std::string_view::npos) return -1;
        value = value * 32 + static_cast<std::int64_t>(digit);
    }
    return (now / kDaySeconds % kDays - value + kDays) % kDays;
}

Error forged() {
    return Error{Error::Kind::permanent, "5.7.1", "SRS address was not made here"};
}

}  // namespace

std::string srs_day(std::int64_t seconds) {
    const auto day = static_cast<std::size_t>(seconds / kDaySeconds % kDays);
    return {kBase32[day / 32], kBase32[day % 32]};
}

std::string Srs::hash(std::string_view secret, std::string_view text) const {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    const std::string folded = to_lower(text);
    ::HMAC(::EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(folded.data()), folded.size(), digest, &size);
    return base64_encode(std::string_view(reinterpret_cast<const char*>(digest), size));
}

std::string Srs::signed_hash(std::string_view text) const {
    return hash(rules_.secrets.front(), text).substr(0, rules_.hash_length);
}

// Hosts on the way may have changed the case of letters.
bool Srs::verifies(std::string_view given, std::string_view text) const {
    const std::string folded = to_lower(given);
    if (folded.size() < rules_.hash_minimum || folded.empty()) return false;
    bool good = false;
    for (const std::string& secret : rules_.secrets) {
        const std::string right = to_lower(hash(secret, text).substr(0, folded.size()));
        if (right.size() == folded.size() &&
            ::CRYPTO_memcmp(right.data(), folded.data(), folded.size()) == 0)
            good = true;
    }
    return good;
}

bool Srs::is_ours(std::string_view address) const {
    const auto at = address.rfind('@');
    return at != std::string_view::npos && iequals(address.substr(at + 1), rules_.domain) &&
           scheme_of(address.substr(0, at)) >= 0;
}

Result<std::string> Srs::forward(std::string_view sender, std::int64_t now) const {
    if (rules_.secrets.empty()) return temporary("SRS has no secret", "4.3.5");
    const auto at = sender.rfind('@');
    if (at == std::string_view::npos || at == 0) return permanent("not an address", "5.1.7");
    const std::string_view local = sender.substr(0, at);
    std::string domain(sender.substr(at + 1));
    if (domain.empty() || domain.find('=') != std::string::npos)
        return permanent("not a domain", "5.1.7");
    const std::string separator(1, rules_.separator);
    const int scheme = scheme_of(local);
    if (scheme < 0) {
        const std::string day = srs_day(now);
        const std::string hashed = signed_hash(day + domain + std::string(local));
        return "SRS0" + separator + hashed + "=" + day + "=" + domain + "=" + std::string(local) +
               "@" + rules_.domain;
    }
    // Who made the SRS0 address is remembered, and nobody in between: bounces go straight there.
    std::string_view first = local.substr(kSrsTag);
    if (scheme == 1) {
        std::string_view rest = local.substr(kSrsTag + 1);
        std::string_view theirs;
        std::string_view host;
        if (!take_part(rest, theirs) || !take_part(rest, host))
            return permanent("bad SRS1 address", "5.1.7");
        domain = host;
        first = rest;
    }
    const std::string hashed = signed_hash(domain + std::string(first));
    return "SRS1" + separator + hashed + "=" + domain + "=" + std::string(first) + "@" +
           rules_.domain;
}

Result<std::string> Srs::reverse(std::string_view address, std::int64_t now) const {
    const std::string_view local = address.substr(0, address.rfind('@'));
    const int scheme = scheme_of(local);
    if (scheme < 0) return std::unexpected(forged());
    std::string_view rest = local.substr(kSrsTag + 1);
    std::string_view given;
    std::string_view day;
    std::string_view domain;
    if (!take_part(rest, given)) return std::unexpected(forged());
    if (scheme == 1) {
        if (!take_part(rest, domain)) return std::unexpected(forged());
        const bool good = verifies(given, std::string(domain) + std::string(rest));
        const bool has_first =
            !rest.empty() && std::string_view("=+-").find(rest.front()) != std::string_view::npos;
        if (!good || !has_first) return std::unexpected(forged());
        return "SRS0" + std::string(rest) + "@" + std::string(domain);
    }
    if (!take_part(rest, day) || !take_part(rest, domain) || rest.empty())
        return std::unexpected(forged());
    if (!verifies(given, std::string(day) + std::string(domain) + std::string(rest)))
        return std::unexpected(forged());
    const std::int64_t age = age_of(day, now);
    if (age < 0 || age > rules_.max_age) return permanent("SRS address is too old", "5.7.1");
    return std::string(rest) + "@" + std::string(domain);
}

}  // namespace facteur::smtp
