#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "smtp-client/conversation.h"

namespace facteur::smtp_client {

/// Open connections that wait a little for the next message to the same next hop, or to the same
/// server.
class ConnectionCache {
public:
    using Fits = std::function<bool(const Conversation&)>;

    ConnectionCache(Scope& scope, Milliseconds time_limit, std::size_t most);

    /// The youngest one under this key whose server still listens, and which fits; nullptr: none.
    std::unique_ptr<Conversation> take(const std::string& key, const Fits& fits = nullptr);
    /// It can be found under each of the keys.  When there are too many, the oldest goes.
    void put(std::vector<std::string> keys, std::unique_ptr<Conversation> conversation);
    /// Says QUIT on all of them.
    void clear();
    std::size_t size() const { return idle_.size(); }

private:
    struct Idle {
        std::vector<std::string> keys;
        std::unique_ptr<Conversation> conversation;
        TimePoint until;
    };
    using Place = std::list<Idle>::iterator;
    std::unique_ptr<Conversation> remove(Place place);
    Task<void> sweep();

    Milliseconds time_limit_;
    std::size_t most_;
    std::list<Idle> idle_;  ///< oldest first
    std::unordered_map<std::string, std::vector<Place>> by_key_;
    Signal added_;
    Scope sweeping_;
};

}  // namespace facteur::smtp_client
