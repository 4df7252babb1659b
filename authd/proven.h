#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/event/loop.h"

namespace facteur::authd {

/// Remembers which passwords were right, as a digest under a key that only this process has.  The
/// digest covers the stored hash, so a changed password is forgotten at once.
class Proven {
public:
    Proven(std::size_t entries, Milliseconds lifetime);

    bool knows(std::string_view user, std::string_view stored, std::string_view password);
    void remember(std::string_view user, std::string_view stored, std::string_view password);

private:
    struct Entry {
        std::string digest;
        TimePoint until;
    };
    std::string digest_of(std::string_view user, std::string_view stored,
                          std::string_view password) const;

    std::size_t most_;
    Milliseconds lifetime_;
    std::string key_;
    std::list<Entry> oldest_first_;
    std::unordered_map<std::string_view, std::list<Entry>::iterator> known_;
};

}  // namespace facteur::authd
