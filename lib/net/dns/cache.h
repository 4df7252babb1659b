#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

#include "lib/event/timers.h"
#include "lib/net/dns/message.h"

namespace facteur::dns {

/// Answers, found or not, for as long as their TTL allows; the least recently used go first.
class Cache {
public:
    explicit Cache(std::size_t most_entries) : most_(most_entries) {}

    /// nullptr when there is none that is still good.
    const Answer* find(const std::string& key, TimePoint now);
    void add(const std::string& key, const Answer& answer, TimePoint until);
    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        std::string key;
        Answer answer;
        TimePoint until;
    };
    std::size_t most_;
    std::list<Entry> entries_;  ///< most recently used first
    std::unordered_map<std::string, std::list<Entry>::iterator> index_;
};

}  // namespace facteur::dns
