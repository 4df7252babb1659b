#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/fd.h"
#include "lib/event/timers.h"

namespace facteur::master {

/// One running daemon, as master sees it.
struct Worker {
    pid_t pid = -1;
    unsigned slot = 0;
    unsigned generation = 0;
    Fd control;  ///< our end of its descriptor 3
    Fd process;  ///< pidfd: readable when it has ended
    TimePoint started;
    bool ready = false;
    bool draining = false;
    std::string numbers;   ///< its last answer to "status"
    bool answered = true;  ///< to the last "status"

    /// One word of lib/daemon/protocol.h.
    void tell(const char* word) const;
    void kill() const;
};

/// Numbers that no two running workers share: smallest first, so that they stay small.
class Slots {
public:
    unsigned take();
    void give_back(unsigned slot) { used_[slot] = false; }

private:
    std::vector<bool> used_;
};

}  // namespace facteur::master
