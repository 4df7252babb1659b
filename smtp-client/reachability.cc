#include "smtp-client/reachability.h"

#include "lib/event/loop.h"

namespace facteur::smtp_client {

bool Reachability::is_bad(const Address& address) const {
    auto found = bad_.find(address.bytes());
    return found != bad_.end() && found->second > Loop::current().now();
}

void Reachability::avoid(const Address& address, Milliseconds time) {
    if (most_ == 0 || time.count() == 0) return;
    const TimePoint now = Loop::current().now();
    if (bad_.size() >= most_) {
        std::erase_if(bad_, [now](const auto& entry) { return entry.second <= now; });
        // So many of them: the network is down rather than they.
        if (bad_.size() >= most_) bad_.clear();
    }
    bad_[address.bytes()] = now + time;
}

void Reachability::answered(const Address& address) {
    if (!bad_.empty()) bad_.erase(address.bytes());
}

}  // namespace facteur::smtp_client
