#include "lib/sasl/password.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/sasl/mechanism.h"
#include "lib/sasl/scheme.h"

namespace facteur::sasl {
namespace {

using enum Family;

// Names as Dovecot's; the first row of each family is the one that password_schemes() recommends.
constexpr Scheme kSchemes[] = {
    {"ARGON2ID", argon2, "id"},
    {"ARGON2I", argon2, "i"},
    {"BLF-CRYPT", crypt, "$2y$"},
    {"SHA512-CRYPT", crypt, "$6$"},
    {"SHA256-CRYPT", crypt, "$5$"},
    {"SSHA512", digest, "SHA512", Encoding::base64, true},
    {"SSHA256", digest, "SHA256", Encoding::base64, true},
    {"PBKDF2", pbkdf2},
    {"SHA512", digest, "SHA512", Encoding::base64},
    {"SHA256", digest, "SHA256", Encoding::base64},
    {"SSHA", digest, "SHA1", Encoding::base64, true},
    {"SHA", digest, "SHA1", Encoding::base64},
    {"SHA1", digest, "SHA1", Encoding::base64},
    {"SMD5", digest, "MD5", Encoding::base64, true},
    {"LDAP-MD5", digest, "MD5", Encoding::base64},
    {"PLAIN-MD5", digest, "MD5", Encoding::hex},
    {"MD5-CRYPT", crypt, "$1$"},
    {"MD5", crypt, "$1$"},
    {"CRYPT", crypt, "$2y$"},
    {"PLAIN", plain},
    {"CLEAR", plain},
    {"CLEARTEXT", plain},
};

struct Stored {
    const Scheme* scheme;
    std::optional<Encoding> encoding;  ///< as written behind the name
    std::string_view hash;
};

const Scheme* find_scheme(std::string_view name) {
    const auto* found =
        std::ranges::find_if(kSchemes, [&](const Scheme& s) { return iequals(s.name, name); });
    return found == std::end(kSchemes) ? nullptr : found;
}

struct SchemeName {
    const Scheme* scheme = nullptr;
    std::optional<Encoding> encoding;
};

Result<SchemeName> parse_scheme(std::string_view written) {
    SchemeName name;
    const auto dot = written.find('.');
    if (dot != std::string_view::npos) {
        const auto suffix = written.substr(dot + 1);
        if (iequals(suffix, "HEX")) {
            name.encoding = Encoding::hex;
        } else if (iequals(suffix, "B64") || iequals(suffix, "BASE64")) {
            name.encoding = Encoding::base64;
        } else {
            return permanent(fmt::format("unknown encoding in {{{}}}", printable(written, 40)));
        }
        written = written.substr(0, dot);
    }
    name.scheme = find_scheme(written);
    if (!name.scheme) return permanent("unknown password scheme " + printable(written, 40));
    return name;
}

Result<Stored> parse_stored(std::string_view stored, std::string_view default_scheme) {
    std::string_view written = default_scheme;
    if (stored.starts_with('{')) {
        const auto end = stored.find('}');
        if (end == std::string_view::npos) return permanent("password scheme without }");
        written = stored.substr(1, end - 1);
        stored.remove_prefix(end + 1);
    }
    TRY(auto name, parse_scheme(written));
    return Stored{name.scheme, name.encoding, stored};
}

std::optional<std::string> decode(Encoding encoding, std::string_view text) {
    switch (encoding) {
        case Encoding::hex:
            return hex_decode(text);
        case Encoding::base64:
            return base64_decode(text);
        case Encoding::none:
            break;
    }
    return std::string(text);
}

std::string encode(Encoding encoding, std::string_view bytes) {
    switch (encoding) {
        case Encoding::hex:
            return hex_encode(bytes);
        case Encoding::base64:
            return base64_encode(bytes);
        case Encoding::none:
            break;
    }
    return std::string(bytes);
}

/// Dovecot takes an unsalted digest in hex, too, when it has exactly that length.
Encoding encoding_of(const Stored& stored) {
    if (stored.encoding) return *stored.encoding;
    const Scheme& scheme = *stored.scheme;
    if (scheme.family == digest && !scheme.salted &&
        stored.hash.size() == 2 * digest_size(scheme)) {
        return Encoding::hex;
    }
    return scheme.encoding;
}

}  // namespace

std::span<const Scheme> schemes() {
    return kSchemes;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<bool> verify_password(std::string_view stored, std::string_view password,
                             std::string_view default_scheme, const PasswordLimits& limits) {
    if (password.size() > kMaxField || password.find('\0') != std::string_view::npos) return false;
    TRY(auto parsed, parse_stored(stored, default_scheme));
    auto hash = decode(encoding_of(parsed), parsed.hash);
    if (!hash) return permanent("password hash is not in its encoding");
    switch (parsed.scheme->family) {
        case plain:
            return equal_in_constant_time(*hash, password);
        case crypt:
            return verify_crypt(*hash, password, limits);
        case digest:
            return verify_digest(*parsed.scheme, *hash, password);
        case argon2:
            return verify_argon2(*hash, password, limits);
        case pbkdf2:
            return verify_pbkdf2(*hash, password, limits);
    }
    return permanent("unknown password scheme");
}

Result<std::string> make_password(std::string_view scheme, std::string_view password) {
    if (password.size() > kMaxField || password.find('\0') != std::string_view::npos) {
        return permanent(fmt::format("a password has at most {} bytes and no NUL", kMaxField));
    }
    TRY(auto name, parse_scheme(scheme));
    Result<std::string> hash = std::string(password);
    if (name.scheme->family == crypt) hash = make_crypt(*name.scheme, password);
    if (name.scheme->family == digest) hash = make_digest(*name.scheme, password);
    if (name.scheme->family == argon2) hash = make_argon2(*name.scheme, password);
    if (name.scheme->family == pbkdf2) hash = make_pbkdf2(password);
    if (!hash) return hash;
    const Encoding encoding = name.encoding.value_or(name.scheme->encoding);
    return fmt::format("{{{}}}{}", to_upper(scheme), encode(encoding, *hash));
}

std::vector<std::string_view> password_schemes() {
    std::vector<std::string_view> names;
    for (const Scheme& scheme : kSchemes)
        names.push_back(scheme.name);
    return names;
}

std::uint64_t password_memory_kib(std::string_view stored) {
    const auto parsed = parse_stored(stored, "CRYPT");
    if (!parsed || parsed->scheme->family != argon2) return 0;
    return argon2_memory_kib(parsed->hash);
}

void wipe(std::string& secret) {
    OPENSSL_cleanse(secret.data(), secret.size());
    secret.clear();
}

}  // namespace facteur::sasl
