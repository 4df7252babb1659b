#pragma once

#include <cstdint>
#include <functional>

#include "lib/spool/queue_id.h"
#include "lib/spool/story.h"

namespace facteur::spool {

/// A message as somebody sees it who reads the disk while no qmgr runs.
struct Seen {
    enum class Place : std::uint8_t { journal, deferred, hold, maildrop };
    Place place = Place::journal;
    QueueId id;
    Story story;
};

/// Tells of every message of the queue in the working directory, in no order; changes nothing.
/// An Error says what could not be read, and then nothing or not all was told.  Blocks.
Result<void> read_queue(const std::function<void(const Seen&)>& each);

}  // namespace facteur::spool
