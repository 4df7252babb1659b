#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace facteur::policyd {

/// How many connections each client has, over all processes of smtpd.  A process tells its own
/// numbers; they go with the process.
class Census {
public:
    /// The number of all processes together, this one's new number included.
    std::uint32_t set(const std::string& client, std::int32_t process, std::uint32_t connections);
    void forget(std::int32_t process);
    std::size_t clients() const { return counts_.size(); }

private:
    std::map<std::string, std::map<std::int32_t, std::uint32_t>> counts_;
    std::map<std::int32_t, std::set<std::string>> told_;
};

}  // namespace facteur::policyd
