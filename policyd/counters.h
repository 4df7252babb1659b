#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/event/timers.h"

namespace facteur::policyd {

/// What is counted.
enum class Event { connection, message, recipient, auth, tls };
constexpr std::size_t kEvents = 5;

/// Events per key and time unit, as Postfix's anvil counts them: all of a unit that begins with
/// the first event.  Memory is bounded: the key that was unseen for longest makes room.
class Counters {
public:
    Counters(Seconds unit, std::size_t limit) : unit_(unit), limit_(limit) {}

    /// Counts one event and returns how many there were in this unit, this one included.
    int count(std::string_view key, Event event, TimePoint now);
    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        std::string key;
        TimePoint unit_start;
        std::array<int, kEvents> counts{};
    };
    Seconds unit_;
    std::size_t limit_;
    std::list<Entry> entries_;  ///< the last seen first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> places_;
};

}  // namespace facteur::policyd
