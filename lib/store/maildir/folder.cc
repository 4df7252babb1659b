#include "lib/store/maildir/folder.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/files.h"

namespace facteur::store::maildir {
namespace {

/// UIDs are promised in blocks, a flush each.
constexpr std::uint32_t kBlock = 256;
/// After a power cut modification sequences jump by this: those that were lost may have been told.
constexpr std::uint64_t kModseqJump = 1 << 20;

}  // namespace

/// Feeds index_ into state_.
class Folder::StateSink : public index::Sink {
public:
    explicit StateSink(Folder& folder) : folder_(folder) {}

    bool begin(const index::Header& header, int fd) override {
        std::size_t body = header.entries * sizeof(index::Entry) + header.names;
        index::Mapping mapping(fd, sizeof header + body);
        if (!mapping) return false;
        if (crc32c({mapping.base() + sizeof header, body}) != header.body_crc) return false;
        std::lock_guard guard(folder_.state_mutex_);
        folder_.state_ = index::State(header, std::move(mapping));
        folder_.log_window_.close();
        folder_.cache_window_.close();
        folder_.checked_.clear();
        folder_.log_.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
        folder_.cache_.reset(
            ::open(folder_.cache_path(header.cache_id).c_str(), O_RDONLY | O_CLOEXEC));
        return true;
    }
    bool apply(const index::RecordView& record, std::uint64_t offset) override {
        std::lock_guard guard(folder_.state_mutex_);
        if (record.type != index::Record::scan && record.type != index::Record::recent)
            folder_.names_dirty_ = true;
        return folder_.state_.apply(record, offset);
    }

private:
    Folder& folder_;
};

Folder::Folder(std::string dir, FolderOptions options)
    : dir_(std::move(dir)), options_(std::move(options)), index_(dir_) {}

void Folder::note_position() {
    position_ = index_.position();
    inode_ = index_.inode();
}

bool Folder::stale() const {
    struct stat now {};
    if (::stat(index_.path().c_str(), &now) != 0) return true;
    if (static_cast<std::uint64_t>(now.st_size) != position_ || now.st_ino != inode_) return true;
    std::int64_t new_mtime = directory_mtime(dir_, index::Entry::in_new);
    std::int64_t cur_mtime = directory_mtime(dir_, index::Entry::in_cur);
    std::lock_guard guard(state_mutex_);
    return new_mtime != state_.new_mtime() || cur_mtime != state_.cur_mtime();
}

Result<Folder::Turn> Folder::begin() {
    Turn turn;
    turn.operation = std::unique_lock(operation_);
    auto lock = index::FolderLock::take(dir_, options_.file_mode);
    if (!lock) {
        if (!lock.error().is_temporary()) gone_ = true;
        return std::unexpected(std::move(lock).error());
    }
    turn.lock = *std::move(lock);
    StateSink sink(*this);
    using Found = index::IndexFile::Found;
    TRY(Found found, index_.refresh(sink, true));
    const std::uint32_t validity = turn.lock.reservation().uid_validity;
    bool foreign = found != Found::missing && found != Found::broken && validity != 0 &&
                   validity != state_.uid_validity();
    if (found == Found::missing || found == Found::broken || foreign) {
        if (found == Found::broken) log_warning("rebuilding the broken index of " + dir_);
        TRY_VOID(rebuild(turn.lock));
    }
    if (found == Found::damaged) log_warning("cut the torn end off the index of " + dir_);
    if (found == Found::damaged || state_.boot() != options_.boot) {
        TRY_VOID(recover(turn.lock));
    }
    note_position();
    return turn;
}

Result<void> Folder::commit(const index::RecordWriter& records) {
    StateSink sink(*this);
    TRY_VOID(index_.append(records, sink));
    note_position();
    return {};
}

/// An empty index for this folder; recover() fills it.
Result<void> Folder::rebuild(index::FolderLock& lock) {
    index::Header header;
    std::copy(index::kMagic.begin(), index::kMagic.end(), header.magic);
    header.log_id = index::new_id();
    header.cache_id = index::new_id();
    header.modseq = 1;
    index::Reservation reservation = lock.reservation();
    if (reservation.uid_validity == 0) {
        TRY(Legacy legacy, read_legacy(dir_));
        reservation.uid_validity =
            legacy.uid_validity ? legacy.uid_validity : options_.new_uid_validity();
        reservation.limit = legacy.next_uid;
        // What another server showed must be kept from the first moment on.
        TRY_VOID(lock.reserve(reservation, legacy.uid_validity != 0));
    }
    header.uid_validity = reservation.uid_validity;
    // Not flushed: as long as nothing was shown, nothing is lost with it.
    TRY_VOID(
        index_.replace(header, {}, index::RecordWriter(header.log_id), options_.file_mode, false));
    return reload();
}

Result<void> Folder::reload() {
    StateSink sink(*this);
    TRY(auto found, index_.refresh(sink, true));
    note_position();
    if (found != index::IndexFile::Found::good)
        return temporary("cannot make the index of " + dir_);
    return {};
}

/// After a crash of the machine, a torn log or a rebuild: the files tell what the log lost.
/// Messages whose names carry a UID that was given (or that another server's list has) keep it;
/// then UIDs and modification sequences jump over all that may have been shown.
Result<void> Folder::recover(const index::FolderLock& lock) {
    const bool fresh = state_.boot() == 0;
    Legacy legacy;
    if (fresh) {
        TRY(legacy, read_legacy(dir_));
        if (legacy.uid_validity != state_.uid_validity()) {
            legacy.uids.clear();
            legacy.next_uid = 1;
        }
        index::RecordWriter keywords = writer();
        for (std::size_t bit = 0; bit < legacy.keywords.size(); ++bit) {
            if (!legacy.keywords[bit].empty())
                keywords.add(index::Keyword{static_cast<std::uint8_t>(bit), legacy.keywords[bit]});
        }
        TRY_VOID(commit(keywords));
    }
    Listing listing;
    TRY_VOID(list_directory(dir_, index::Entry::in_new, listing));
    TRY_VOID(list_directory(dir_, index::Entry::in_cur, listing));
    TRY_VOID(match(listing));
    TRY(std::vector<Arrival> found, arrivals(listing, legacy));
    const std::uint32_t limit = std::max(lock.reservation().limit, state_.next_uid());
    const bool any = !found.empty();
    std::erase_if(found, [](const Arrival& arrival) { return arrival.wanted == 0; });
    TRY_VOID(adopt(std::move(found), limit, true));
    index::Boot boot;
    boot.boot = options_.boot;
    boot.next_uid = std::max(limit, state_.next_uid());
    boot.modseq = state_.modseq() + (fresh ? 1 : kModseqJump);
    index::RecordWriter records = writer();
    records.add(boot);
    TRY_VOID(commit(records));
    // What adopt() could not give its wanted UID is unknown still.
    Listing again;
    TRY_VOID(list_directory(dir_, index::Entry::in_new, again));
    TRY_VOID(list_directory(dir_, index::Entry::in_cur, again));
    TRY_VOID(match(again));
    TRY(std::vector<Arrival> rest, arrivals(again, Legacy()));
    TRY_VOID(adopt(std::move(rest), 0, false));
    if (fresh && any) {
        // Messages from before \Recent was ours to give are not recent.
        index::RecordWriter recent = writer();
        recent.add_recent(state_.next_uid());
        TRY_VOID(commit(recent));
    }
    if (any) {
        TRY_VOID(index_.flush());
    }
    return {};
}

Result<void> Folder::refresh(bool force) {
    if (!force) {
        std::unique_lock operation(operation_);
        StateSink sink(*this);
        TRY(auto found, index_.refresh(sink, false));
        note_position();
        if (found == index::IndexFile::Found::good && state_.boot() == options_.boot && !stale())
            return {};
    }
    TRY(Turn turn, begin());
    TRY_VOID(scan(force));
    return compact_if_due();
}

Result<void> Folder::promise_uids() {
    if (promised_ > read([](const index::State& state) { return state.next_uid(); })) return {};
    TRY(Turn turn, begin());
    index::Reservation reservation = turn.lock.reservation();
    if (reservation.limit <= state_.next_uid() || reservation.uid_validity == 0) {
        reservation.uid_validity = state_.uid_validity();
        reservation.limit = state_.next_uid() + kBlock;
        TRY_VOID(turn.lock.reserve(reservation));
    }
    promised_ = reservation.limit;
    return {};
}

Result<std::uint32_t> Folder::claim_recent() {
    TRY(Turn turn, begin());
    std::uint32_t first = state_.first_recent();
    if (first < state_.next_uid()) {
        index::RecordWriter records = writer();
        records.add_recent(state_.next_uid());
        TRY_VOID(commit(records));
    }
    return first;
}

}  // namespace facteur::store::maildir
