#include "lib/spool/journal.h"

#include <algorithm>
#include <cstring>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/event/errors.h"

namespace facteur::spool {
namespace {

/// What the end of one live message may take: a step with a diagnostic, and an F.
constexpr std::size_t kOwed = 512;
constexpr std::size_t kMostBatch = 8 << 20;
constexpr Seconds kRetrySpace{1};
constexpr Seconds kIdle{1};

}  // namespace

/// What one write and one flush will make durable.
struct Journal::Batch {
    struct Piece {
        Segment* segment = nullptr;
        std::uint32_t offset = 0;
        std::string bytes;
    };
    std::vector<Piece> pieces;
    std::vector<QueueId> messages;
    std::size_t size = 0;
    bool urgent = false;  ///< somebody waits
    bool flush = false;
    bool done = false;
    Result<void> outcome;
    Signal settled;
};

Journal::Journal(Files& files, WorkerPool& workers, Scope& scope, Options options)
    : files_(files),
      workers_(workers),
      scope_(scope),
      options_(std::move(options)),
      batch_(std::make_shared<Batch>()) {}

Journal::~Journal() = default;

Result<void> Journal::open(const VisitRecord& visit) {
    TRY(auto segments, open_segments(files_, options_.folders, visit));
    for (auto& segment : segments) {
        next_number_ = std::max(next_number_, segment->number + 1);
        uses_ = std::max(uses_, segment->use);
        live_ += segment->live;
        (segment->use == 0 ? free_ : in_use_).push_back(std::move(segment));
    }
    return {};
}

void Journal::start() {
    scope_.spawn(commit_loop());
    scope_.spawn(care_loop());
    care_.notify_all();
}

bool Journal::fits(std::size_t bytes, bool is_message) const {
    if (in_use_.empty()) return false;
    const Segment& current = *in_use_.back();
    if (current.used + bytes > current.size) return false;
    // The end of each message that is here must find room too, or a full disk would never drain.
    return !is_message || !free_.empty() ||
           current.size - current.used - bytes >= (live_ + 1) * kOwed;
}

/// Goes on to the next free segment; false when there is none.
bool Journal::rotate() {
    if (free_.empty()) return false;
    in_use_.push_back(std::move(free_.front()));
    free_.pop_front();
    Segment& segment = *in_use_.back();
    segment.use = ++uses_;
    std::string random = random_bytes(sizeof segment.mark);
    std::memcpy(&segment.mark, random.data(), sizeof segment.mark);
    segment.used = kSegmentHeader;
    segment.durable = 0;
    Batch::Piece piece;
    piece.segment = &segment;
    piece.bytes = encode(SegmentHeader{segment.use, segment.mark, segment.size});
    batch_->pieces.push_back(std::move(piece));
    care_.notify_all();
    pressure_.notify_all();
    return true;
}

Task<Result<void>> Journal::make_room(std::size_t bytes, bool is_message) {
    if (bytes > options_.segment_size - kSegmentHeader) co_return temporary("record too large");
    while (batch_->size > kMostBatch)
        co_await room_.wait(scope_);
    while (!fits(bytes, is_message)) {
        const bool full = in_use_.empty() || in_use_.back()->used + bytes > in_use_.back()->size;
        if (full && rotate()) continue;
        CO_TRY_VOID(co_await add_segment());
    }
    co_return Result<void>();
}

/// One more free segment, recycled or new; several callers share one attempt.
Task<Result<void>> Journal::add_segment() {
    if (adding_) {
        while (adding_)
            co_await room_.wait(scope_);
        co_return Result<void>();  // the caller looks again
    }
    bool recycled = co_await recycle_oldest();
    if (recycled) co_return Result<void>();
    if (Loop::current().now() < no_space_until_) {
        co_return temporary("no space for another journal segment", "4.3.1");
    }
    adding_ = true;
    using Made = Result<std::unique_ptr<Segment>>;
    std::function<Made()> work = [this] {
        return make_segment(files_, options_.folders.journal, next_number_, options_.segment_size);
    };
    Made made = co_await workers_.run<Made>(std::move(work));
    adding_ = false;
    room_.notify_all();
    if (!made) {
        no_space_until_ = Loop::current().now() + kRetrySpace;
        log_warning("cannot add a journal segment: " + made.error().text);
        co_return std::unexpected(std::move(made).error());
    }
    ++next_number_;
    free_.push_back(*std::move(made));
    co_return Result<void>();
}

Journal::Place Journal::put(RecordType type, QueueId id, std::string_view first,
                            std::string_view second) {
    Segment& segment = *in_use_.back();
    Batch& batch = *batch_;
    if (batch.pieces.empty() || batch.pieces.back().segment != &segment) {
        Batch::Piece piece;
        piece.segment = &segment;
        piece.offset = segment.used;
        batch.pieces.push_back(std::move(piece));
    }
    // The header of a segment begins its first piece and is shorter than what it stands for.
    std::string& bytes = batch.pieces.back().bytes;
    std::size_t before = bytes.size();
    RecordHeader header;
    header.type = type;
    header.id = id;
    header.durable = segment.durable;
    append_record(bytes, header, segment.mark, first, second);
    Place place;
    place.segment = &segment;
    place.offset = segment.used;
    place.length = static_cast<std::uint32_t>(first.size() + second.size());
    place.head = static_cast<std::uint32_t>(first.size());
    segment.used += static_cast<std::uint32_t>(bytes.size() - before);
    batch.size += bytes.size() - before;
    if (type == RecordType::message) batch.messages.push_back(id);
    if (free_.empty() && segment.used > segment.size / 2) care_.notify_all();
    return place;
}

Task<Result<Journal::Place>> Journal::append(RecordType type, QueueId id, std::string_view first,
                                             std::string_view second) {
    const bool is_message = type == RecordType::message;
    CO_TRY_VOID(co_await make_room(record_size(first.size() + second.size()), is_message));
    Place place = put(type, id, first, second);
    hold(*place.segment);  // or the segment could be recycled while the record is being written
    std::shared_ptr<Batch> batch = batch_;
    batch->urgent = batch->flush = true;
    work_.notify_all();
    while (!batch->done)
        co_await batch->settled.wait(scope_);
    if (!batch->outcome) {
        release(*place.segment);
        co_return std::unexpected(batch->outcome.error());
    }
    co_return place;
}

bool Journal::note(RecordType type, QueueId id, std::string_view payload) {
    std::size_t bytes = record_size(payload.size());
    if (!fits(bytes, false) && (!rotate() || !fits(bytes, false))) return false;
    put(type, id, payload, std::string_view());
    if (!batch_->flush) work_.notify_all();
    batch_->flush = true;
    return true;
}

void Journal::release(Segment& segment) {
    --segment.live;
    --live_;
    if (segment.live == 0 && !in_use_.empty() && &segment == in_use_.front().get()) {
        care_.notify_all();
    }
}

Segment* Journal::to_be_emptied() const {
    if (in_use_.size() <= options_.keep_segments) return nullptr;
    return in_use_.front()->live > 0 ? in_use_.front().get() : nullptr;
}

Task<void> Journal::wait_for_work() {
    while (batch_->pieces.empty()) {
        bool idle = false;
        try {
            TimePoint deadline = unmarked_ ? Loop::current().now() + kIdle : kNever;
            co_await work_.wait(scope_, deadline);
        } catch (const TimedOut&) {
            idle = true;
        }
        // One record behind the last ones says that they were flushed: if they are bad when they
        // are read again, that is damage and not a power cut.
        if (idle && fits(record_size(0), false)) {
            put(RecordType::mark, QueueId(), std::string_view(), std::string_view());
            unmarked_ = false;
        }
    }
    TimePoint until = Loop::current().now() + kLazy;
    while (!batch_->urgent && batch_->flush && Loop::current().now() < until) {
        try {
            co_await work_.wait(scope_, until);
        } catch (const TimedOut&) {
        }
    }
}

Task<void> Journal::commit_loop() {
    for (;;) {
        co_await wait_for_work();
        co_await commit();
    }
}

Task<void> Journal::commit() {
    std::shared_ptr<Batch> batch = std::exchange(batch_, std::make_shared<Batch>());
    std::function<Result<void>()> work = [this, &batch]() -> Result<void> {
        for (const Batch::Piece& piece : batch->pieces) {
            TRY_VOID(files_.write(piece.segment->fd.get(), piece.bytes, piece.offset));
        }
        for (const Batch::Piece& piece : batch->pieces) {
            if (!batch->flush) continue;
            TRY_VOID(files_.flush(piece.segment->fd.get()));
        }
        return {};
    };
    batch->outcome = co_await workers_.run<Result<void>>(std::move(work));
    settle(*batch);
}

void Journal::settle(Batch& batch) {
    batch.done = true;
    if (batch.outcome) {
        for (const Batch::Piece& piece : batch.pieces) {
            auto end = piece.offset + static_cast<std::uint32_t>(piece.bytes.size());
            if (batch.flush) piece.segment->durable = end;
        }
        unmarked_ |= batch.flush;
    } else {
        log_error("journal: " + batch.outcome.error().text);
        // Nobody knows what of it is on the disk: write no further there, and take back the
        // messages, for their senders are told to come again.
        for (const Batch::Piece& piece : batch.pieces)
            piece.segment->used = piece.segment->size;
        for (const QueueId& id : batch.messages) {
            if (!note(RecordType::forget, id)) log_error(id.text() + ": may come back: disk full");
        }
    }
    batch.settled.notify_all();
    room_.notify_all();
}

/// True when it became free.
Task<bool> Journal::recycle_oldest() {
    if (recycling_ || in_use_.size() < 2 || in_use_.front()->live > 0) co_return false;
    recycling_ = true;
    Segment& oldest = *in_use_.front();
    std::function<Result<void>()> work = [this, &oldest] { return free_segment(files_, oldest); };
    Result<void> freed = co_await workers_.run<Result<void>>(std::move(work));
    recycling_ = false;
    if (!freed) {
        log_warning("cannot recycle a journal segment: " + freed.error().text);
        co_return false;
    }
    free_.push_back(std::move(in_use_.front()));
    in_use_.pop_front();
    pressure_.notify_all();
    co_return true;
}

/// Keeps one free segment at hand, so that nobody waits for zeros to be written.
Task<void> Journal::care_loop() {
    for (;;) {
        bool more = co_await recycle_oldest();
        if (more) continue;
        const bool wanted =
            free_.empty() && (in_use_.empty() || in_use_.back()->used > in_use_.back()->size / 2);
        if (wanted && !adding_ && Loop::current().now() >= no_space_until_) {
            Result<void> added = co_await add_segment();
            if (added) continue;
        }
        co_await care_.wait(scope_);
    }
}

}  // namespace facteur::spool
