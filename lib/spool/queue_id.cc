#include "lib/spool/queue_id.h"

#include <unistd.h>

namespace facteur::spool {
namespace {

// No vowels: no words, and no confusion of O with 0 or I with 1.
constexpr std::string_view kDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZ";
constexpr std::uint64_t kBase = kDigits.size();
constexpr std::size_t kTimeDigits = 11;  // enough until the year 2774
constexpr std::size_t kProcessDigits = kQueueIdLength - kTimeDigits;

void put_digits(std::string& out, std::size_t at, std::size_t digits, std::uint64_t value) {
    for (std::size_t i = at + digits; i-- > at; value /= kBase)
        out[i] = kDigits[value % kBase];
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    for (char c : text) {
        std::size_t digit = kDigits.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        value = value * kBase + digit;
    }
    return value;
}

}  // namespace

std::string format_queue_id(std::uint64_t microseconds, std::uint32_t process) {
    std::string id(kQueueIdLength, '0');
    put_digits(id, 0, kTimeDigits, microseconds);
    put_digits(id, kTimeDigits, kProcessDigits, process);
    return id;
}

std::string make_queue_id() {
    static std::uint64_t last = 0;  // ids are made by one thread of a process
    auto now = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    last = std::max(last + 1, static_cast<std::uint64_t>(now.count()));
    return format_queue_id(last, static_cast<std::uint32_t>(::getpid()));
}

std::optional<QueueId> QueueId::parse(std::string_view text) {
    if (text.size() != kQueueIdLength) return std::nullopt;
    auto time = number(text.substr(0, kTimeDigits));
    auto process = number(text.substr(kTimeDigits));
    if (!time || !process) return std::nullopt;
    return QueueId{*time, static_cast<std::uint32_t>(*process)};
}

bool is_queue_id(std::string_view text) {
    return QueueId::parse(text).has_value();
}

std::optional<WallTime> queue_id_time(std::string_view id) {
    auto parsed = QueueId::parse(id);
    if (!parsed) return std::nullopt;
    return WallTime(std::chrono::microseconds(static_cast<std::int64_t>(parsed->time)));
}

std::string_view queue_folder(std::string_view id) {
    // They change every millisecond and come round every second, so a burst spreads over all 961.
    return id.substr(kTimeDigits - 4, 2);
}

}  // namespace facteur::spool
