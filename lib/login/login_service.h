#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/daemon/service.h"
#include "lib/login/caller.h"
#include "lib/login/door.h"
#include "lib/table/network.h"

namespace facteur::login {

/// The protocol's part of a connection whose user is not known yet; never throws.
using LogIn = std::function<Task<void>(Door&, Scope&, Caller)>;

/// The login stage of a protocol.
class LoginService : public daemon::Service {
public:
    /// refusal: what a client with too many connections hears.
    LoginService(daemon::Process& process, const Settings& settings, std::string protocol,
                 LogIn log_in, std::string refusal);

    Task<void> start() override;
    daemon::Limits limits() const override;
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    std::string refusal(const std::string& client_address) override;

private:
    Task<void> proxied(Caller caller);
    Task<Result<ProxyHeader>> header_of(const Caller& caller);

    Door door_;
    const LogIn log_in_;
    const std::string refusal_;
    std::vector<table::Network> proxies_;      ///< haproxy_trusted_networks
    std::map<std::string, int> behind_proxy_;  ///< connections by client
};

}  // namespace facteur::login
