#pragma once

#include <optional>
#include <string>

#include "smtp-client/conversation.h"
#include "smtp-client/lookups.h"
#include "smtp-client/refusals.h"
#include "smtp-client/sasl_settings.h"

namespace facteur::smtp_client {

/// Who we are for which server: smtp_sasl_password_maps and what belongs to it.
class Logins {
public:
    Logins(const SaslSettings& settings, Lookups& lookups);

    /// Nothing: no login there.  An Error: the tables cannot be asked, or the server is known to
    /// refuse this password.
    Task<Result<std::optional<Login>>> find(std::string sender, std::string nexthop,
                                            std::string host);

private:
    Task<Result<std::optional<std::string>>> entry(std::string sender, std::string nexthop,
                                                   std::string host);
    Task<Result<void>> filter(Login& login);

    const SaslSettings& settings_;
    Lookups& lookups_;
    Refusals refusals_;
};

}  // namespace facteur::smtp_client
