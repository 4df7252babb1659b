#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/time.h"

namespace facteur::spool {

/// Names of messages in the queue: the microsecond of their making and the process that made
/// them, in digits and upper-case consonants.
///
///     1H0XJ5ZJVLQ0036T     11 digits of time, 5 of process id; base 31
///
/// They sort by time, are safe as file names even where case is ignored, spell no words, and are
/// never reused: a process makes at most one a microsecond (it waits for the clock's next tick by
/// counting ahead), and the process id keeps apart what is made at the same instant.  Whoever
/// brings a message makes its id, so that a request repeated with the same id is the same request.
std::string make_queue_id();

/// The pure part of make_queue_id().
std::string format_queue_id(std::uint64_t microseconds, std::uint32_t process);

/// True for everything that make_queue_id() can return, and for nothing else.  What passes is safe
/// as a file name.
bool is_queue_id(std::string_view text);

/// When the id was made; nothing when it is none.
std::optional<WallTime> queue_id_time(std::string_view id);

constexpr std::size_t kQueueIdLength = 16;

/// A queue id as qmgr keeps millions of them: 16 bytes, comparable, without allocation.
struct QueueId {
    std::uint64_t time = 0;  ///< microseconds since the epoch
    std::uint32_t process = 0;

    static std::optional<QueueId> parse(std::string_view text);
    std::string text() const { return format_queue_id(time, process); }
    auto operator<=>(const QueueId&) const = default;
};

/// The folder of an id below deferred/ and hold/: two of its fast-changing digits.
std::string_view queue_folder(std::string_view id);

}  // namespace facteur::spool

template <>
struct std::hash<facteur::spool::QueueId> {
    std::size_t operator()(const facteur::spool::QueueId& id) const noexcept {
        return (id.time ^ (std::uint64_t{id.process} << 40)) * 0x9e3779b97f4a7c15u >> 7;
    }
};
