#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/worker.h"
#include "lib/spool/segment.h"

namespace facteur::spool {

/// The log that makes messages durable, with group commit: what is appended while one batch is
/// being written and flushed by a worker thread is the next batch, with one write and one
/// fdatasync(2) for all of it.
class Journal {
public:
    struct Options {
        JournalFolders folders;
        std::uint32_t segment_size = 16 << 20;
        std::size_t keep_segments = 8;  ///< with more in use, messages are moved out of the oldest
    };
    struct Place {
        Segment* segment = nullptr;
        std::uint32_t offset = 0;  ///< of the record
        std::uint32_t length = 0;  ///< of its payload
        std::uint32_t head = 0;    ///< of which this much is the envelope
    };

    Journal(Files& files, WorkerPool& workers, Scope& scope, Options options);
    ~Journal();

    /// Replays; blocks, and comes first.  A folder without a segment is fine, even on a full disk.
    Result<void> open(const VisitRecord& visit);
    /// Starts the tasks that commit and recycle.
    void start();

    /// Appends; returns once it is on the disk.  A message is refused (4.3.1) where it would take
    /// the space that is needed to record the end of those that are here.  The payload is the two
    /// pieces; the caller keeps them until this returns.  The record is live from now on, until
    /// the caller releases its segment.
    Task<Result<Place>> append(RecordType type, QueueId id, std::string_view first,
                               std::string_view second = std::string_view());
    /// Appends without waiting: it is on the disk soon (within kLazy), and not later than whatever
    /// is appended behind it.  False when there is no room for it at this moment.
    bool note(RecordType type, QueueId id, std::string_view payload = std::string_view());

    void release(Segment& segment);
    /// The oldest segment in use holds up the others and should be emptied; nullptr: all is well.
    Segment* to_be_emptied() const;
    /// Notified when to_be_emptied() may have changed.
    Signal& pressure() { return pressure_; }

    /// Largest payload that append() takes.
    std::size_t most_payload() const { return options_.segment_size / 4; }
    std::size_t segments() const { return in_use_.size() + free_.size(); }

    static constexpr Milliseconds kLazy{10};

private:
    struct Batch;
    using Segments = std::deque<std::unique_ptr<Segment>>;

    void hold(Segment& segment) {
        ++segment.live;
        ++live_;
    }
    bool fits(std::size_t bytes, bool is_message) const;
    Task<Result<void>> make_room(std::size_t bytes, bool is_message);
    bool rotate();
    Task<Result<void>> add_segment();
    Place put(RecordType type, QueueId id, std::string_view first, std::string_view second);
    Task<void> commit_loop();
    Task<void> wait_for_work();
    Task<void> commit();
    void settle(Batch& batch);
    Task<void> care_loop();
    Task<bool> recycle_oldest();

    Files& files_;
    WorkerPool& workers_;
    Scope& scope_;
    Options options_;
    Segments in_use_;               ///< oldest first; the last one is written to
    Segments free_;                 ///< in the order in which they became free
    std::shared_ptr<Batch> batch_;  ///< collects; shared with those who wait for it
    std::uint64_t uses_ = 0;
    unsigned next_number_ = 1;
    std::size_t live_ = 0;
    bool adding_ = false;
    bool recycling_ = false;
    bool unmarked_ = false;  ///< records were flushed and no later record says so
    TimePoint no_space_until_{};
    Signal work_;
    Signal room_;
    Signal care_;
    Signal pressure_;
};

}  // namespace facteur::spool
