#include "authd/recent_logins.h"

namespace facteur::authd {

void RecentLogins::remember(const std::string& client_address) {
    if (lifetime_ == Milliseconds(0) || most_ == 0 || client_address.empty()) return;
    const TimePoint now = Loop::current().now();
    const auto place = places_.find(client_address);
    if (place != places_.end()) {
        const auto entry = place->second;
        places_.erase(place);
        entries_.erase(entry);
    }
    while (!entries_.empty() && (entries_.size() >= most_ || entries_.front().until <= now)) {
        places_.erase(entries_.front().address);
        entries_.pop_front();
    }
    entries_.push_back(Entry{client_address, now + lifetime_});
    places_.emplace(entries_.back().address, std::prev(entries_.end()));
}

bool RecentLogins::knows(std::string_view client_address) const {
    const auto place = places_.find(client_address);
    return place != places_.end() && place->second->until > Loop::current().now();
}

}  // namespace facteur::authd
