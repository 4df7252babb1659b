#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "lib/base/time.h"
#include "lib/event/timers.h"

namespace facteur::login {

/// Clients that guess passwords wait longer and longer: 0, 2, 4, 8 and then 15 seconds before a
/// further try, until they have been good or gone for a while.
class Penalty {
public:
    /// How long this client's next attempt must wait.
    Milliseconds delay(const std::string& client, TimePoint now) const;
    void failed(const std::string& client, TimePoint now);
    void succeeded(const std::string& client) { clients_.erase(client); }
    std::size_t size() const { return clients_.size(); }

private:
    struct Record {
        unsigned failures = 0;
        TimePoint last;
    };
    void forget(TimePoint now);

    std::map<std::string, Record> clients_;
};

}  // namespace facteur::login
