#include "smtp-client/logins.h"

#include "lib/base/text.h"

namespace facteur::smtp_client {

Logins::Logins(const SaslSettings& settings, Lookups& lookups)
    : settings_(settings),
      lookups_(lookups),
      refusals_(static_cast<std::size_t>(settings.cache_entries()), settings.cache_time()) {}

/// The sender counts most, then the server, then the next hop as it is configured.
Task<Result<std::optional<std::string>>> Logins::entry(std::string sender, std::string nexthop,
                                                       std::string host) {
    const auto& maps = settings_.password_maps();
    std::optional<std::string> found;
    if (settings_.by_sender() && !sender.empty()) {
        CO_TRY(found, co_await lookups_.find(maps, ipc::LookupKey::address, sender));
    }
    if (!found) {
        CO_TRY(found, co_await lookups_.find(maps, ipc::LookupKey::exact, host));
    }
    if (!found) {
        CO_TRY(found, co_await lookups_.find(maps, ipc::LookupKey::exact, nexthop));
    }
    co_return found;
}

Task<Result<std::optional<Login>>> Logins::find(std::string sender, std::string nexthop,
                                                std::string host) {
    std::optional<Login> login;
    if (!settings_.enable()) co_return login;
    CO_TRY(auto found, co_await entry(std::move(sender), std::move(nexthop), host));
    // "user" without a password, or nothing at all: this server needs no login.
    if (!found || found->empty()) co_return login;
    login.emplace();
    auto colon = found->find(':');
    std::string user = found->substr(0, colon);
    std::string password = colon == std::string::npos ? "" : found->substr(colon + 1);
    login->credentials.user = user;
    login->credentials.password = password;
    if (!settings_.cache_name().empty()) {
        if (auto words = refusals_.find(host, user, password)) {
            bool soft = settings_.soft_bounce();
            co_return std::unexpected(Error{
                soft ? Error::Kind::temporary : Error::Kind::permanent, soft ? "4.7.8" : "5.7.8",
                "SASL authentication failed; server " + host + " said before: " + *words});
        }
        login->on_refused = [this, host, user, password](std::string words) {
            refusals_.add(host, user, password, std::move(words));
        };
    }
    CO_TRY_VOID(co_await filter(*login));
    co_return login;
}

/// smtp_sasl_mechanism_filter.
Task<Result<void>> Logins::filter(Login& login) {
    const auto& patterns = settings_.mechanism_filter();
    if (patterns.empty()) co_return Result<void>();
    login.mechanisms.emplace();
    for (const std::string& name : sasl::known_mechanisms()) {
        CO_TRY(bool good,
               co_await lookups_.matches("smtp_sasl_mechanism_filter", patterns, to_lower(name)));
        if (good) login.mechanisms->push_back(name);
    }
    co_return Result<void>();
}

}  // namespace facteur::smtp_client
