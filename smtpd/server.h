#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/event/scope.h"
#include "smtpd/backend.h"
#include "smtpd/client.h"
#include "smtpd/dnsbl_site.h"
#include "smtpd/gate.h"
#include "smtpd/networks.h"
#include "smtpd/settings.h"

namespace facteur::smtpd {

/// A list of clients in a parameter: networks are compared here, and what else it holds (names,
/// files, tables) is asked of addressd.
class ClientList {
public:
    ClientList(std::string parameter, const std::vector<std::string>& patterns);
    /// A list that cannot be asked holds nobody.
    Task<bool> holds(Backend& backend, const Client& client) const;
    Task<bool> holds_address(Backend& backend, const Address& address) const;

private:
    std::string parameter_;
    std::vector<std::string> patterns_;
    std::vector<std::string> others_;  ///< why not all of the patterns are networks
    Networks networks_;
};

/// How many sessions each limited client has in this process.
class ClientCounts {
public:
    std::uint32_t enter(const std::string& key) { return ++counts_[key]; }
    /// What is left.
    std::uint32_t leave(const std::string& key) {
        const auto found = counts_.find(key);
        if (found == counts_.end()) return 0;
        if (--found->second > 0) return found->second;
        counts_.erase(found);
        return 0;
    }
    const std::unordered_map<std::string, std::uint32_t>& all() const { return counts_; }

private:
    std::unordered_map<std::string, std::uint32_t> counts_;
};

class Session;

/// What all sessions of one process share.
struct Server {
    Server(Scope& session_scope, const Settings& the_settings, Backend& the_backend,
           std::string service_name);

    /// Whether postscreen_discard_ehlo_keywords leaves it.
    bool offers_tested(std::string_view keyword) const;

    /// Tells policyd how many sessions a client has left, and all of it to a policyd that is new.
    Task<void> tell_sessions(std::string key, std::uint32_t left);
    /// Finds out that policyd is new, now and then, until the scope is cancelled.
    Task<void> watch_policyd(Scope& watching);
    /// For the end of the process: whoever goes on to talk may finish, but who has nothing to say
    /// between two messages hears 421.
    Task<void> dismiss_idle();

    Scope& scope;
    const Settings& settings;
    Backend& backend;
    Gate gate;
    std::string service;  ///< master.cf's name
    ClientList mynetworks;
    ClientList unlimited;  ///< smtpd_client_event_limit_exceptions
    ClientList sasl_exceptions;
    ClientList bare_newline_exclusions;
    ClientList xclient_hosts;
    ClientList xforward_hosts;
    ClientList allow_interfaces;  ///< postscreen_allowlist_interfaces
    ClientList proxies;           ///< haproxy_trusted_networks
    ClientCounts counts;
    std::vector<DnsblSite> dnsbl_sites;
    ClientCounts screened;      ///< who is in postscreen's tests
    std::size_t screening = 0;  ///< how many
    std::unordered_set<Session*> sessions;
    std::uint64_t policyd_generation = 0;
};

}  // namespace facteur::smtpd
