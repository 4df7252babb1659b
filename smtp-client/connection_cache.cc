#include "smtp-client/connection_cache.h"

#include "lib/event/loop.h"
#include "lib/event/sleep.h"

namespace facteur::smtp_client {

ConnectionCache::ConnectionCache(Scope& scope, Milliseconds time_limit)
    : time_limit_(time_limit), sweeping_(scope) {
    sweeping_.spawn(sweep());
}

std::unique_ptr<Conversation> ConnectionCache::take(const std::string& nexthop) {
    for (auto entry = idle_.end(); entry != idle_.begin();) {
        --entry;
        if (entry->nexthop != nexthop) continue;
        std::unique_ptr<Conversation> found = std::move(entry->conversation);
        entry = idle_.erase(entry);
        if (found->quiet()) return found;
    }
    return nullptr;
}

void ConnectionCache::put(const std::string& nexthop, std::unique_ptr<Conversation> conversation) {
    idle_.push_back({nexthop, std::move(conversation), Loop::current().now() + time_limit_});
    if (idle_.size() == 1) added_.notify_one();
}

void ConnectionCache::clear() {
    for (Idle& idle : idle_)
        idle.conversation->quit();
    idle_.clear();
}

/// All wait equally long, so the oldest is always the next to go.
Task<void> ConnectionCache::sweep() {
    for (;;) {
        while (idle_.empty())
            co_await added_.wait(sweeping_);
        TimePoint next = idle_.front().until;
        co_await Sleep(sweeping_, next);
        while (!idle_.empty() && idle_.front().until <= Loop::current().now()) {
            idle_.front().conversation->quit();
            idle_.pop_front();
        }
    }
}

}  // namespace facteur::smtp_client
