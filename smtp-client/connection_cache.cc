#include "smtp-client/connection_cache.h"

#include "lib/event/loop.h"
#include "lib/event/sleep.h"

namespace facteur::smtp_client {

ConnectionCache::ConnectionCache(Scope& scope, Milliseconds time_limit, std::size_t most)
    : time_limit_(time_limit), most_(most), sweeping_(scope) {
    sweeping_.spawn(sweep());
}

std::unique_ptr<Conversation> ConnectionCache::remove(Place place) {
    for (const std::string& key : place->keys) {
        auto found = by_key_.find(key);
        std::erase(found->second, place);
        if (found->second.empty()) by_key_.erase(found);
    }
    std::unique_ptr<Conversation> conversation = std::move(place->conversation);
    idle_.erase(place);
    return conversation;
}

std::unique_ptr<Conversation> ConnectionCache::take(const std::string& key, const Fits& fits) {
    auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    std::vector<Place> places = found->second;
    for (auto place = places.rbegin(); place != places.rend(); ++place) {
        if (fits && !fits(*(*place)->conversation)) continue;
        std::unique_ptr<Conversation> conversation = remove(*place);
        if (conversation->quiet()) return conversation;
    }
    return nullptr;
}

void ConnectionCache::put(std::vector<std::string> keys,
                          std::unique_ptr<Conversation> conversation) {
    if (most_ == 0) {
        conversation->quit();
        return;
    }
    while (idle_.size() >= most_)
        remove(idle_.begin())->quit();
    idle_.push_back(
        {std::move(keys), std::move(conversation), Loop::current().now() + time_limit_});
    Place place = std::prev(idle_.end());
    for (const std::string& key : place->keys)
        by_key_[key].push_back(place);
    if (idle_.size() == 1) added_.notify_one();
}

void ConnectionCache::clear() {
    while (!idle_.empty())
        remove(idle_.begin())->quit();
}

/// All wait equally long, so the oldest is always the next to go.
Task<void> ConnectionCache::sweep() {
    for (;;) {
        while (idle_.empty())
            co_await added_.wait(sweeping_);
        TimePoint next = idle_.front().until;
        co_await Sleep(sweeping_, next);
        while (!idle_.empty() && idle_.front().until <= Loop::current().now())
            remove(idle_.begin())->quit();
    }
}

}  // namespace facteur::smtp_client
