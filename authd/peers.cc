#include "authd/peers.h"

#include <algorithm>

#include <pwd.h>
#include <unistd.h>

#include "lib/daemon/settings.h"

namespace facteur::authd {

Peers::Peers(const daemon::Settings& settings, std::initializer_list<daemon::Owner> owners)
    : uids_{0, ::geteuid()} {
    if (::geteuid() != 0) return;  // without root nobody else can run as these users
    for (daemon::Owner owner : owners) {
        const passwd* user = ::getpwnam(daemon::owner_name(settings, owner).c_str());
        if (user) uids_.push_back(user->pw_uid);
    }
}

bool Peers::may(std::uint32_t uid) const {
    return std::ranges::find(uids_, uid) != uids_.end();
}

}  // namespace facteur::authd
