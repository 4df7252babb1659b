#include "policyd/counters.h"

namespace facteur::policyd {

int Counters::count(std::string_view key, Event event, TimePoint now) {
    auto place = places_.find(key);
    if (place == places_.end()) {
        if (entries_.size() >= limit_) {
            places_.erase(entries_.back().key);
            entries_.pop_back();
        }
        entries_.push_front(Entry{std::string(key), now, {}});
        place = places_.emplace(entries_.front().key, entries_.begin()).first;
    } else {
        entries_.splice(entries_.begin(), entries_, place->second);
    }
    Entry& entry = *place->second;
    if (now - entry.unit_start >= unit_) {
        entry.unit_start = now;
        entry.counts.fill(0);
    }
    return ++entry.counts[static_cast<std::size_t>(event)];
}

}  // namespace facteur::policyd
