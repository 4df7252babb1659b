#include "policyd/census.h"

namespace facteur::policyd {

std::uint32_t Census::set(const std::string& client, std::int32_t process,
                          std::uint32_t connections) {
    auto& counts = counts_[client];
    if (connections > 0) {
        counts[process] = connections;
        told_[process].insert(client);
    } else {
        counts.erase(process);
        if (const auto told = told_.find(process); told != told_.end()) {
            told->second.erase(client);
            if (told->second.empty()) told_.erase(told);
        }
    }
    std::uint32_t all = 0;
    for (const auto& [who, number] : counts)
        all += number;
    if (counts.empty()) counts_.erase(client);
    return all;
}

void Census::forget(std::int32_t process) {
    const auto told = told_.find(process);
    if (told == told_.end()) return;
    for (const std::string& client : told->second) {
        const auto counts = counts_.find(client);
        if (counts == counts_.end()) continue;
        counts->second.erase(process);
        if (counts->second.empty()) counts_.erase(counts);
    }
    told_.erase(told);
}

}  // namespace facteur::policyd
