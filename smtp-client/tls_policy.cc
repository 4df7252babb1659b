#include "smtp-client/tls_policy.h"

#include "lib/base/text.h"

namespace facteur::smtp_client {
namespace {

constexpr std::pair<std::string_view, TlsLevel> kLevels[] = {
    {"none", TlsLevel::none},     {"may", TlsLevel::may},       {"encrypt", TlsLevel::encrypt},
    {"verify", TlsLevel::verify}, {"secure", TlsLevel::secure},
};

std::vector<std::string> strings(const std::vector<std::string_view>& views) {
    return {views.begin(), views.end()};
}

/// The defaults of a level.
TlsPolicy of_level(TlsLevel level, const TlsSettings& settings) {
    TlsPolicy policy;
    policy.level = level;
    bool mandatory = level != TlsLevel::none && level != TlsLevel::may;
    policy.protocols = mandatory ? settings.mandatory_protocols() : settings.protocols();
    if (level == TlsLevel::verify) policy.match = settings.verify_match();
    if (level == TlsLevel::secure) policy.match = settings.secure_match();
    return policy;
}

}  // namespace

TlsPolicy TlsPolicy::from_settings(const TlsSettings& settings) {
    return of_level(settings.level(), settings);
}

Result<TlsPolicy> TlsPolicy::parse(std::string_view line, const TlsSettings& settings) {
    auto parts = words(line);
    TlsPolicy policy;
    bool known = false;
    for (const auto& [name, level] : kLevels) {
        if (parts.empty() || !iequals(parts[0], name)) continue;
        policy = of_level(level, settings);
        known = true;
    }
    if (!known) return temporary("bad TLS policy \"" + printable(line) + "\"", "4.3.5");
    for (std::size_t i = 1; i < parts.size(); ++i) {
        if (parts[i].starts_with("match=")) {
            policy.match = strings(words(parts[i].substr(6), ":|"));
        } else if (parts[i].starts_with("protocols=")) {
            policy.protocols = parts[i].substr(10);
        } else if (!parts[i].starts_with("ciphers=") && !parts[i].starts_with("exclude=")) {
            return temporary("unknown attribute in TLS policy: " + printable(parts[i]), "4.3.5");
        }
    }
    return policy;
}

TlsClientWish TlsPolicy::wish(const Target& target, std::string_view nexthop_host) const {
    TlsClientWish wish;
    wish.sni = target.name;
    wish.min_protocol = protocols;
    if (level != TlsLevel::verify && level != TlsLevel::secure) return wish;
    wish.level = TlsClientWish::Level::verify;
    for (const std::string& name : match) {
        if (name == "hostname") {
            wish.names.push_back(target.name);
        } else if (name == "nexthop") {
            wish.names.emplace_back(nexthop_host);
        } else if (name == "dot-nexthop") {
            wish.names.push_back("." + std::string(nexthop_host));
        } else {
            wish.names.push_back(name);
        }
    }
    return wish;
}

}  // namespace facteur::smtp_client
