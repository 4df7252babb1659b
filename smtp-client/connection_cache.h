#pragma once

#include <list>
#include <memory>
#include <string>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "smtp-client/conversation.h"

namespace facteur::smtp_client {

/// Open connections that wait a little for the next message to the same next hop.
class ConnectionCache {
public:
    ConnectionCache(Scope& scope, Milliseconds time_limit);

    /// The youngest one for this next hop whose server still listens; nullptr: none.
    std::unique_ptr<Conversation> take(const std::string& nexthop);
    void put(const std::string& nexthop, std::unique_ptr<Conversation> conversation);
    /// Says QUIT on all of them.
    void clear();
    std::size_t size() const { return idle_.size(); }

private:
    struct Idle {
        std::string nexthop;
        std::unique_ptr<Conversation> conversation;
        TimePoint until;
    };
    Task<void> sweep();

    Milliseconds time_limit_;
    std::list<Idle> idle_;  ///< oldest first
    Signal added_;
    Scope sweeping_;
};

}  // namespace facteur::smtp_client
