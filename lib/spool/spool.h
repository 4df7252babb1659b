#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/spool/journal.h"
#include "lib/spool/message_file.h"
#include "lib/spool/story.h"

namespace facteur::spool {

/// Where a message is, and what of its story is in the journal only.
struct Stored {
    enum class Where : std::uint8_t { journal, deferred, hold };
    QueueId id;
    Where where = Where::journal;
    Journal::Place place;            ///< in the journal
    std::int64_t due = 0;            ///< for its owner
    std::uint64_t file_end = 0;      ///< in a file: where the next step goes; 0: not read yet
    std::vector<std::string> steps;  ///< not in the file yet
    std::vector<Segment*> pins;      ///< segments that those steps keep

    std::string path() const;  ///< of the file
};

/// A descriptor with the content, for reading only.
struct Content {
    Fd fd;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

/// The queue on the disk: the journal and the folders, as one thing.  Paths are relative to the
/// working directory.  What returns successfully is on the disk.
///
/// A Stored is used by one call at a time; its owner sees to that.
class Spool {
public:
    struct Options {
        Journal::Options journal;
        std::uint64_t journal_message_limit = 1 << 20;
    };
    Spool(Files& files, WorkerPool& workers, Scope& scope, Options options);

    /// Makes the folders, replays; blocks, comes first.  The messages come in the order in which
    /// they were accepted.
    Result<std::vector<Stored>> open();
    void start() { journal_.start(); }
    /// Removes what is in incoming/ and has no writer any more.  Blocks.
    void remove_abandoned();

    /// True when the message was accepted and forgotten not long ago: a repeated request, or a
    /// file that is about to be removed.
    bool was_forgotten(QueueId id) const { return forgotten_.contains(id); }

    /// Makes a message durable: in the journal, or, when it is too large for that, in a file.  With
    /// `to` hold it is on hold from its first moment: a crash never lets it go.
    Task<Result<Stored>> accept(QueueId id, const Envelope& envelope, std::string_view content,
                                Stored::Where to = Stored::Where::journal);
    /// A file for the content of a large message; the descriptor is for its submitter.
    Task<Result<Fd>> reserve(QueueId id);
    Task<Result<Stored>> accept_reserved(QueueId id, const Envelope& envelope,
                                         Stored::Where to = Stored::Where::deferred);

    /// Reads the story; the whole message is checked.  A permanent Error: it is damaged.
    Task<Result<Story>> load(Stored& stored);
    /// The same for somebody who only looks: the message stays whose it is.
    Task<Result<Story>> look(const Stored& stored);
    /// All its steps, for people.  Blocks, shortly.
    Result<std::string> history(const Stored& stored) const;
    /// The content, in a sealed memory file or in the queue file.
    Task<Result<Content>> content(const Stored& stored);

    /// Records a step.
    Task<Result<void>> step(Stored& stored, std::string text);
    /// Nothing more is to be done with it.
    Task<Result<void>> forget(Stored& stored);
    /// A message in the journal gets its own file, in deferred/ or hold/.
    Task<Result<void>> move_out(Stored& stored, Stored::Where to, std::int64_t due);
    /// Writes the steps of a message with a file into the file, and when it is due.
    Task<Result<void>> settle(Stored& stored, std::int64_t due);
    /// Its owner needs to know no more of it than its id: the next load() gives the rest, also what
    /// settle() could not write.
    void put_down(Stored stored);
    /// Moves it to hold/ or back to deferred/.
    Task<Result<void>> relocate(Stored& stored, Stored::Where to, std::int64_t due);
    /// What load() found damaged goes to corrupt/.
    Task<void> condemn(Stored& stored, std::string why);

    /// Messages with a file whose steps keep this segment, though nobody has them in memory.
    std::vector<QueueId> unread_in(const Segment* segment) const;
    /// The file of such a message is gone, by no doing of ours.
    void give_up(QueueId id);

    Journal& journal() { return journal_; }
    WorkerPool& workers() { return workers_; }
    Files& files() { return files_; }
    const Options& options() const { return options_; }

private:
    struct Unread {
        std::vector<std::string> steps;
        std::vector<Segment*> pins;
    };
    using Messages = std::unordered_map<QueueId, Stored>;

    Result<void> make_folders();
    void replay(Messages& messages, Segment& segment, const Scan::Found& found,
                std::string_view payload);
    void replay_end(Messages& messages, Segment& segment, const RecordHeader& header);
    void drop_half_moved(const Messages& messages);
    void release(Stored& stored);
    Task<void> remove_files();
    void take_unread(Stored& stored);
    void remember_forgotten(QueueId id);
    Task<Result<Story>> load_journaled(const Stored& stored);
    Task<Result<LoadedFile>> read_file(const Stored& stored);
    static Result<Story> with_steps(Story story, const std::vector<std::string>& steps);
    Task<Result<Story>> load_filed(Stored& stored);
    Result<std::string> read_record(const Stored& stored) const;

    Files& files_;
    WorkerPool& workers_;
    Scope& scope_;
    Options options_;
    /// Of its own, so that a flush that clients wait for never queues behind files.
    WorkerPool journal_workers_;
    Journal journal_;
    std::unordered_map<QueueId, Unread> unread_;
    std::unordered_set<QueueId> forgotten_;
    std::deque<QueueId> forgotten_order_;
    /// Files of forgotten messages, with the segments of their F.
    std::vector<std::pair<std::string, Segment*>> removals_;
    bool removing_ = false;
    std::mutex reserving_;  ///< a file that is being made has no lock yet
};

/// A sealed memory file with these bytes: nobody can change or shrink it any more.
Result<Fd> sealed_memory(std::string_view bytes);

}  // namespace facteur::spool
