#include "lib/daemon/settings.h"

namespace facteur::daemon {

std::string owner_name(const Settings& settings, Owner owner) {
    switch (owner) {
        case Owner::smtp:
            return settings.smtp_owner();
        case Owner::queue:
            return settings.queue_owner();
        case Owner::store:
            return settings.store_owner();
        case Owner::login:
            return settings.login_owner();
        case Owner::lookup:
            return settings.lookup_owner();
        case Owner::auth:
            return settings.auth_owner();
        case Owner::policy:
            return settings.policy_owner();
        case Owner::root:
            break;
    }
    return std::string();
}

}  // namespace facteur::daemon
