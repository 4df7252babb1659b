#include "lib/net/tls_versions.h"

#include <array>

#include "lib/base/text.h"

namespace facteur {

namespace {

constexpr std::array<std::string_view, 6> kVersions{"SSLv2",   "SSLv3",   "TLSv1",
                                                    "TLSv1.1", "TLSv1.2", "TLSv1.3"};
constexpr std::size_t kOldestKnown = 2;  ///< OpenSSL 3 speaks nothing before TLSv1

/// The place of a name among the versions; "TLSv1.0" and hexadecimal 0301 are TLSv1 too.
Result<std::size_t> version(std::string_view name) {
    if (iequals(name, "TLSv1.0")) name = "TLSv1";
    for (std::size_t i = 0; i < kVersions.size(); ++i) {
        if (iequals(name, kVersions[i])) return i;
        if (i >= 1 && name == "030" + std::to_string(i - 1)) return i;
    }
    return permanent(
        "\"" + printable(name, 32) +
        "\" is no TLS version: write SSLv2, SSLv3, TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3");
}

struct Allowed {
    std::array<bool, kVersions.size()> yes{};
    bool any_named = false;
};

Result<void> take(Allowed& allowed, std::array<bool, kVersions.size()>& excluded,
                  std::string_view word) {
    if (word.starts_with(">=") || word.starts_with("<=")) {
        TRY(const std::size_t bound, version(word.substr(2)));
        for (std::size_t i = 0; i < kVersions.size(); ++i) {
            const bool outside = word.front() == '>' ? i < bound : i > bound;
            if (outside) excluded[i] = true;
        }
        return {};
    }
    const bool is_excluded = word.starts_with('!');
    TRY(const std::size_t place, version(is_excluded ? word.substr(1) : word));
    (is_excluded ? excluded : allowed.yes)[place] = true;
    allowed.any_named |= !is_excluded;
    return {};
}

}  // namespace

Result<TlsVersions> parse_tls_versions(std::string_view text) {
    Allowed allowed;
    std::array<bool, kVersions.size()> excluded{};
    for (const std::string_view word : words(text, " \t,:")) {
        TRY_VOID(take(allowed, excluded, word));
    }
    std::size_t first = kVersions.size();
    std::size_t last = 0;
    std::size_t count = 0;
    for (std::size_t i = kOldestKnown; i < kVersions.size(); ++i) {
        if (excluded[i] || (allowed.any_named && !allowed.yes[i])) continue;
        if (count++ == 0) first = i;
        last = i;
    }
    if (count == 0) return permanent("no TLS version is left");
    if (last - first + 1 != count)
        return permanent("versions between " + std::string(kVersions[first]) + " and " +
                         std::string(kVersions[last]) + " cannot be left out: write \">=" +
                         std::string(kVersions[last]) + "\", or the whole range");
    TlsVersions versions;
    versions.oldest = kVersions[first];
    if (last + 1 < kVersions.size()) versions.newest = kVersions[last];
    return versions;
}

}  // namespace facteur
