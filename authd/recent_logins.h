#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/event/loop.h"

namespace facteur::authd {

/// From which addresses somebody read his mail lately (permit_pop_before_smtp).  Of too many, the
/// oldest are forgotten.
class RecentLogins {
public:
    /// lifetime 0: nothing is remembered.
    RecentLogins(std::size_t entries, Milliseconds lifetime)
        : most_(entries), lifetime_(lifetime) {}

    void remember(const std::string& client_address);
    bool knows(std::string_view client_address) const;
    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        std::string address;
        TimePoint until;
    };
    std::size_t most_;
    Milliseconds lifetime_;
    std::list<Entry> entries_;  ///< the oldest first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> places_;
};

}  // namespace facteur::authd
