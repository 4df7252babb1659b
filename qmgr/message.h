#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/event/signal.h"
#include "lib/spool/spool.h"

namespace facteur::qmgr {

class Agent;

/// What an administrator wants done with a message as soon as its attempt is over.
enum class Wish : std::uint8_t { none, hold, remove, requeue, expire };

/// A message that is being delivered; everything else about the queue is on the disk.
struct Message {
    spool::Stored stored;
    spool::Story story;
    std::string sender;             ///< as it is written on the outside, after mapping
    spool::Content content;         ///< open while jobs are to be sent, when there is room for it
    bool content_held = false;      ///< counts against the limits of held contents
    std::int64_t active_since = 0;  ///< microseconds
    std::size_t jobs = 0;           ///< waiting, running, or written and not flushed
    std::size_t unsent = 0;         ///< of these, waiting
    /// Recipients that see another sender (SRS).
    std::map<std::size_t, std::string> senders;
    struct Route {
        std::string transport, nexthop, sender;
        auto operator<=>(const Route&) const = default;
    };
    /// Where recipients go, while that is being found out.
    std::map<Route, std::vector<std::size_t>> routes;
    std::vector<std::size_t> changed;  ///< recipients with a fate that is not recorded yet
    /// Jobs whose results are in `story`, to be acknowledged once they are recorded.
    std::vector<std::pair<std::shared_ptr<Agent>, std::uint64_t>> reports;
    Signal progressed;
    int agent_losses = 0;
    bool verify = false;    ///< a probe: nothing is delivered, and nothing of it is on the disk
    bool looping = false;   ///< too many Received: fields
    bool evacuate = false;  ///< its segment should be emptied
    Wish wish = Wish::none;
    Wish granted = Wish::none;  ///< the wish that the end of this attempt takes into account

    std::string id() const { return stored.id.text(); }
    const std::string& sender_for(std::size_t recipient) const {
        const auto at = senders.find(recipient);
        return at == senders.end() ? sender : at->second;
    }
};

/// Some recipients of a message on their way to one destination.
struct Job {
    std::uint64_t number = 0;
    Message* message = nullptr;  ///< outlives its jobs
    std::string nexthop;
    std::string destination;  ///< as its transport's limits count it
    std::vector<std::size_t> recipients;
    /// Written and not flushed: counts when the agent says so.
    std::vector<std::pair<std::size_t, spool::Progress>> written;
    bool complete = false;
};

}  // namespace facteur::qmgr
