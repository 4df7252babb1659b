#include "lib/sasl/client.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/sasl/client_mechanisms.h"
#include "lib/sasl/mechanism.h"

namespace facteur::sasl {
namespace {

struct Known {
    std::string_view name;
    std::uint8_t security;
    enum class Secret : std::uint8_t { password, token } secret = Secret::password;
    bool plus = false;  ///< bound to the TLS connection (RFC 5802 section 6)
};

constexpr std::uint8_t kScram = noplaintext | noactive | noanonymous | mutual_auth;

// Best first.  A bearer token is as good as a password to whoever reads it (RFC 6750 section 5.1).
constexpr Known kKnown[] = {
    {"SCRAM-SHA-256-PLUS", kScram, Known::Secret::password, true},
    {"SCRAM-SHA-1-PLUS", kScram, Known::Secret::password, true},
    {"SCRAM-SHA-256", kScram},
    {"SCRAM-SHA-1", kScram},
    {"CRAM-MD5", noplaintext | noanonymous},
    {"PLAIN", noanonymous},
    {"LOGIN", noanonymous},
    {"OAUTHBEARER", noanonymous, Known::Secret::token},
    {"XOAUTH2", noanonymous, Known::Secret::token},
};

/// A NUL would end the field in PLAIN; OAuth tokens are longer than passwords.
bool is_sayable(const Credentials& who) {
    constexpr std::size_t kMaxSecret = 8192;
    auto good = [](const std::string& text, std::size_t most) {
        return text.size() <= most && text.find('\0') == std::string::npos;
    };
    return !who.user.empty() && good(who.user, kMaxField) && good(who.password, kMaxSecret) &&
           good(who.token, kMaxSecret);
}

}  // namespace

std::optional<std::uint8_t> security_option(std::string_view word) {
    constexpr std::pair<std::string_view, Security> kOptions[] = {
        {"noplaintext", noplaintext}, {"noactive", noactive},       {"nodictionary", nodictionary},
        {"noanonymous", noanonymous}, {"mutual_auth", mutual_auth},
    };
    for (const auto& [name, bit] : kOptions) {
        if (iequals(name, word)) return bit;
    }
    return std::nullopt;
}

std::vector<std::string> known_mechanisms() {
    std::vector<std::string> names;
    for (const Known& one : kKnown)
        names.emplace_back(one.name);
    return names;
}

std::vector<std::string> usable_mechanisms(const std::vector<std::string>& offered,
                                           const Credentials& who,
                                           const ClientConnection& connection,
                                           std::uint8_t needed) {
    std::vector<std::string> usable;
    for (const Known& one : kKnown) {
        auto same = [&](const std::string& name) { return iequals(name, one.name); };
        if (std::ranges::none_of(offered, same)) continue;
        if ((one.security & needed) != needed) continue;
        if (one.plus && connection.tls_exporter.empty()) continue;
        if (!who.token.empty() && one.secret != Known::Secret::token) continue;
        usable.emplace_back(one.name);
    }
    return usable;
}

std::unique_ptr<ClientMechanism> make_client(std::string_view mechanism, const Credentials& who,
                                             const ClientConnection& connection) {
    if (!is_sayable(who)) return nullptr;
    std::string name = to_upper(mechanism);
    bool plus = name.ends_with("-PLUS");
    if (name == "PLAIN") return make_plain_client(who);
    if (name == "LOGIN") return make_login_client(who);
    if (name == "CRAM-MD5") return make_cram_md5_client(who);
    if (name == "SCRAM-SHA-1" || name == "SCRAM-SHA-1-PLUS")
        return make_scram_client("SHA1", plus, who, connection);
    if (name == "SCRAM-SHA-256" || name == "SCRAM-SHA-256-PLUS")
        return make_scram_client("SHA256", plus, who, connection);
    if (name == "XOAUTH2") return make_xoauth2_client(who);
    if (name == "OAUTHBEARER") return make_oauthbearer_client(who, connection);
    return nullptr;
}

}  // namespace facteur::sasl
