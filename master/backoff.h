#pragma once

#include "lib/event/timers.h"

namespace facteur::master {

/// How long a service that fails waits before its next start: at once after a good run, else
/// 1, 2, 4 … seconds up to a limit.  Keeps a daemon that cannot start from burning the machine.
class Backoff {
public:
    explicit Backoff(Milliseconds longest) : longest_(longest) {}

    /// A process ended that should not have, after living so long; the delay for its successor.
    Milliseconds ended(Milliseconds lived);
    void reset() { next_ = kFirst; }
    void set_longest(Milliseconds longest) { longest_ = longest; }

private:
    static constexpr Milliseconds kFirst{1000};
    static constexpr Milliseconds kGoodRun{5000};
    Milliseconds longest_;
    Milliseconds next_ = kFirst;
};

}  // namespace facteur::master
