#include "lib/spool/delays.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace facteur::spool {

std::int64_t wall_clock() {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::string delay_text(std::int64_t microseconds) {
    double seconds = static_cast<double>(std::max<std::int64_t>(microseconds, 0)) / 1e6;
    int decimals = seconds < 1 ? 2 : seconds < 10 ? 1 : 0;
    std::string text = fmt::format("{:.{}f}", seconds, decimals);
    if (decimals == 0) return text;
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

std::string delays_text(const ipc::Job& job, std::int64_t started, std::int64_t connected) {
    std::int64_t now = wall_clock();
    std::int64_t arrival = job.arrival > 0 ? job.arrival : started;
    std::int64_t active = job.active_since > 0 ? job.active_since : started;
    return fmt::format("delay={}, delays={}/{}/{}/{}", delay_text(now - arrival),
                       delay_text(active - arrival), delay_text(started - active),
                       delay_text(connected - started), delay_text(now - connected));
}

}  // namespace facteur::spool
