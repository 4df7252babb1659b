#pragma once

#include <list>
#include <optional>
#include <string>

#include "lib/base/time.h"
#include "lib/event/timers.h"

namespace facteur::smtp_client {

/// Passwords that servers refused, so that they are not tried again and again
/// (smtp_sasl_auth_cache_name).
class Refusals {
public:
    Refusals(std::size_t most, Milliseconds keep) : most_(most), keep_(keep) {}

    /// What the server said then.
    std::optional<std::string> find(const std::string& server, const std::string& user,
                                    const std::string& password);
    void add(const std::string& server, const std::string& user, const std::string& password,
             std::string words);

private:
    struct Entry {
        std::string key;  ///< server, user and a digest of the password
        std::string words;
        TimePoint until;
    };
    std::size_t most_;
    Milliseconds keep_;
    std::list<Entry> entries_;  ///< oldest first
};

}  // namespace facteur::smtp_client
