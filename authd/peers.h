#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "lib/daemon/daemon.h"

namespace facteur::authd {

/// Which of the other daemons may ask something: told by the uid that the kernel vouches for.
class Peers {
public:
    /// root and our own uid (an instance of an ordinary user has only that one) always may.
    Peers(const daemon::Settings& settings, std::initializer_list<daemon::Owner> owners);

    bool may(std::uint32_t uid) const;

private:
    std::vector<std::uint32_t> uids_;
};

}  // namespace facteur::authd
