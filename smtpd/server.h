#pragma once

#include <string>
#include <string_view>
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
    ClientList sasl_exceptions;
    ClientList bare_newline_exclusions;
};

}  // namespace facteur::smtpd
