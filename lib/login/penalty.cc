#include "lib/login/penalty.h"

#include <algorithm>

namespace facteur::login {

namespace {

constexpr std::size_t kClients = 10000;  ///< what a flood of addresses may cost
constexpr Seconds kMemory(600);
constexpr unsigned kSteps[] = {0, 0, 2, 4, 8, 15};

}  // namespace

Milliseconds Penalty::delay(const std::string& client, TimePoint now) const {
    auto found = clients_.find(client);
    if (found == clients_.end() || found->second.last + kMemory < now) return Milliseconds(0);
    std::size_t step = std::min<std::size_t>(found->second.failures, std::size(kSteps) - 1);
    return Seconds(kSteps[step]);
}

void Penalty::failed(const std::string& client, TimePoint now) {
    if (clients_.size() >= kClients) forget(now);
    Record& record = clients_[client];
    if (record.last + kMemory < now) record.failures = 0;
    ++record.failures;
    record.last = now;
}

/// Drops what is old, and everything when all is new: better than to grow.
void Penalty::forget(TimePoint now) {
    std::erase_if(clients_, [&](const auto& entry) { return entry.second.last + kMemory < now; });
    if (clients_.size() >= kClients) clients_.clear();
}

}  // namespace facteur::login
