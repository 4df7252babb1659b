#include "master/backoff.h"

#include <algorithm>

namespace facteur::master {

Milliseconds Backoff::ended(Milliseconds lived) {
    if (lived >= kGoodRun) {
        reset();
        return Milliseconds(0);
    }
    Milliseconds delay = std::min(next_, longest_);
    next_ = std::min(next_ * 2, longest_);
    return delay;
}

}  // namespace facteur::master
