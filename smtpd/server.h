#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/event/scope.h"
#include "smtpd/backend.h"
#include "smtpd/client.h"
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

private:
    std::string parameter_;
    std::vector<std::string> patterns_;
    std::vector<std::string> others_;  ///< why not all of the patterns are networks
    Networks networks_;
};

/// How many sessions each client has in this process.
class ClientCounts {
public:
    std::size_t enter(const std::string& ip) { return ++counts_[ip]; }
    void leave(const std::string& ip) {
        const auto found = counts_.find(ip);
        if (found != counts_.end() && --found->second == 0) counts_.erase(found);
    }

private:
    std::unordered_map<std::string, std::size_t> counts_;
};

/// What all sessions of one process share.
struct Server {
    Server(Scope& session_scope, const Settings& the_settings, Backend& the_backend,
           std::string service_name);

    /// Whether smtpd_discard_ehlo_keywords leaves it.
    bool offers(std::string_view keyword) const;

    Scope& scope;
    const Settings& settings;
    Backend& backend;
    Gate gate;
    std::string service;  ///< master.cf's name
    ClientList mynetworks;
    ClientList unlimited;  ///< smtpd_client_event_limit_exceptions
    ClientList sasl_exceptions;
    ClientList bare_newline_exclusions;
    ClientCounts counts;
};

}  // namespace facteur::smtpd
