#include "lib/net/dns/cache.h"

namespace facteur::dns {

const Answer* Cache::find(const std::string& key, TimePoint now) {
    auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    if (found->second->until <= now) {
        entries_.erase(found->second);
        index_.erase(found);
        return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->answer;
}

void Cache::add(const std::string& key, const Answer& answer, TimePoint until) {
    if (most_ == 0) return;
    if (auto found = index_.find(key); found != index_.end()) {
        entries_.erase(found->second);
        index_.erase(found);
    }
    entries_.push_front({key, answer, until});
    index_[key] = entries_.begin();
    if (entries_.size() <= most_) return;
    index_.erase(entries_.back().key);
    entries_.pop_back();
}

}  // namespace facteur::dns
