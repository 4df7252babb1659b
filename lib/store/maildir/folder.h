#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/result.h"
#include "lib/store/index/folder_lock.h"
#include "lib/store/index/index_file.h"
#include "lib/store/index/state.h"
#include "lib/store/index/window.h"
#include "lib/store/maildir/message_file.h"
#include "lib/store/maildir/scan.h"
#include "lib/store/maildir/takeover.h"
#include "lib/store/store.h"

namespace facteur::store::maildir {

struct FolderOptions {
    std::string hostname;
    unsigned dir_mode = 0700;
    unsigned file_mode = 0600;
    std::uint64_t boot = 0;  ///< boot_hash()
    /// Where the files of expunged messages stay for so many seconds; empty: they go.
    std::string expunged_dir;
    std::int64_t keep_expunged = 0;
    /// A UIDVALIDITY that no mailbox of this user had before.
    std::function<std::uint32_t()> new_uid_validity;
};

/// One Maildir folder with its index, shared by all sessions of this process that have it open.
/// Everything here blocks and belongs into a worker thread, but for what says otherwise.
/// Threads: one changes at a time (operation_); what is read goes by state_mutex_.
class Folder {
public:
    Folder(std::string dir, FolderOptions options);

    const std::string& dir() const { return dir_; }
    const FolderOptions& options() const { return options_; }

    /// Brings the state up to date: what other processes logged, and what other programs did to
    /// the directories (read when their mtime changed, or when `force`).
    Result<void> refresh(bool force = false);
    /// Whether refresh() could find something: three stat(2), quick enough for the loop's thread.
    bool stale() const;
    /// After this the UIDs and UIDNEXT may be shown to clients: a power cut cannot make them
    /// belong to other messages.
    Result<void> promise_uids();

    /// All or nothing; files[i] was written from messages[i].
    Result<std::vector<Appended>> append(std::vector<MessageFile>& files,
                                         const std::vector<NewMessage>& messages);
    Result<StoreOutcome> change_flags(const std::vector<std::uint32_t>& uids,
                                      const FlagChange& change);
    /// What was expunged: those among `uids` (all when missing), and only with \Deleted unless
    /// `even_undeleted`.
    Result<std::vector<std::uint32_t>> expunge(
        const std::optional<std::vector<std::uint32_t>>& uids, bool even_undeleted = false);
    /// Sizes of these messages' files; of all with \Deleted when missing.
    std::vector<std::pair<std::uint32_t, std::uint64_t>> file_sizes(
        const std::optional<std::vector<std::uint32_t>>& uids) const;
    /// Links these messages into another folder of the same file system.
    Result<CopyOutcome> copy_to(Folder& target, const std::vector<std::uint32_t>& uids);
    /// A read-write session is told of all messages now: from which UID on they are \Recent.
    Result<std::uint32_t> claim_recent();
    /// Flags, keywords and the place (new/, cur/) reach the file names.
    Result<void> write_names();

    Result<Content> content(std::uint32_t uid);
    /// What is gone is left out.
    Result<void> read_messages(const std::vector<std::uint32_t>& uids, const Reader& reader);
    Result<Summary> summary(std::uint32_t uid);
    /// From the index alone; nothing when it has none.  Quick enough for the loop's thread.
    std::optional<Summary> cached_summary(std::uint32_t uid) const;
    /// The same without a copy; false when it has none.
    bool peek(std::uint32_t uid, const std::function<void(const SummaryView&)>& visit) const;
    /// Reads the messages of these that have none, and keeps theirs.
    Result<void> summarize(const std::vector<std::uint32_t>& uids);
    /// Nobody has it open any more: gives back what reading took.
    void rest() const;
    Result<void> measure(const std::vector<std::uint32_t>& uids);

    /// Reads the state under its mutex: read([&](const index::State& state) { … }).
    template <class Reader>
    auto read(Reader reader) const {
        std::lock_guard guard(state_mutex_);
        return reader(static_cast<const index::State&>(state_));
    }
    bool gone() const { return gone_; }
    /// Deleted or renamed: whoever still has it open must let go.
    void set_gone() { gone_ = true; }

private:
    class StateSink;
    /// The folder is ours: this process's turn, the lock between processes, a current state.
    struct Turn {
        std::unique_lock<std::mutex> operation;
        index::FolderLock lock;
    };
    Result<Turn> begin();
    Result<void> commit(const index::RecordWriter& records);
    index::RecordWriter writer() const { return index::RecordWriter(index_.log_id()); }
    /// Reads the index file again from its start.
    Result<void> reload();
    void note_position();

    // folder.cc: a missing or damaged index
    Result<void> rebuild(index::FolderLock& lock);
    Result<void> recover(const index::FolderLock& lock);

    // folder_scan.cc: what other programs did
    struct Arrival {
        Listed file;
        std::uint32_t wanted = 0;  ///< the UID that its name or another server's list tells
        bool listed = false;       ///< the wanted UID is from another server's list
        std::uint32_t wire_size = 0;
        std::vector<std::string> keywords;
    };
    Result<void> scan(bool force);
    Result<void> match(Listing& listing);
    Result<std::vector<std::uint32_t>> match_once(Listing& listing, index::RecordWriter& records);
    void compare(const index::Entry& entry, const Listed& file, index::RecordWriter& records);
    Result<std::vector<Arrival>> arrivals(Listing& listing, const Legacy& legacy);
    Result<void> adopt(std::vector<Arrival> arrivals, std::uint32_t cap, bool wanted_only);
    bool adopt_one(Arrival& arrival, std::uint32_t uid, index::RecordWriter& records);
    Result<void> note_scan(const Listing& listing);

    // folder_change.cc, folder_copy.cc, folder_content.cc
    Result<std::uint64_t> keyword_bits(const std::vector<std::string>& names);
    void save_keywords() const;
    bool delivered_before(const std::string& delivery_id) const;
    Result<void> mend_delivery(const std::string& delivery_id, MessageFile& whole);
    struct CopySource;
    Result<std::vector<CopySource>> copy_sources(const std::vector<std::uint32_t>& uids) const;
    Result<CopyOutcome> copy_in(const Folder& source, std::vector<CopySource> sources);
    Result<index::Entry> entry(std::uint32_t uid) const;
    std::string path_of(std::uint32_t uid) const;
    Result<Fd> open_message(std::uint32_t uid);
    bool take_unpacked(std::uint32_t uid, Content& out) const;
    Result<void> note_content(std::uint32_t uid, std::uint64_t size, const Summary* summary);

    // compact.cc
    Result<void> compact_if_due();
    Result<void> compact();
    std::string_view summary_bytes(const index::Entry& entry) const;
    std::string cache_path(std::uint64_t id) const;

    const std::string dir_;
    const FolderOptions options_;
    std::mutex operation_;
    mutable std::mutex state_mutex_;
    index::State state_;
    index::IndexFile index_;
    Fd log_;    ///< for summary_bytes(), a second descriptor of the index file
    Fd cache_;  ///< of facteur.cache.ID
    mutable index::Window log_window_;
    mutable index::Window cache_window_;
    mutable std::vector<bool> checked_;  ///< by UID: its summary fitted its checksum
    mutable std::size_t hint_ = 0;
    mutable Fd unpacked_;
    std::uint32_t unpacked_uid_ = 0;
    std::atomic<std::uint64_t> position_{0};  ///< of the index file, for stale()
    std::atomic<std::uint64_t> inode_{0};
    std::atomic<std::uint32_t> promised_{0};
    std::atomic<bool> gone_{false};
    bool names_dirty_ = true;
};

}  // namespace facteur::store::maildir
