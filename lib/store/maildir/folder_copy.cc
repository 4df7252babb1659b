#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "lib/store/flush.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/folder.h"

namespace facteur::store::maildir {

/// What the target needs of one message, gathered before it is locked.
struct Folder::CopySource {
    index::Entry entry;
    std::string path;
    std::string summary;
    std::vector<std::string> keywords;
};

Result<std::vector<Folder::CopySource>> Folder::copy_sources(
    const std::vector<std::uint32_t>& uids) const {
    std::lock_guard guard(state_mutex_);
    std::vector<CopySource> sources;
    for (std::uint32_t uid : uids) {
        const index::Entry* entry = state_.find(uid);
        if (!entry) return permanent("a message has been expunged", "5.7.0");
        CopySource source;
        source.entry = *entry;
        source.path = dir_ + "/" + std::string(place_name(entry->place)) + "/" +
                      std::string(state_.name(*entry));
        source.summary = std::string(summary_bytes(*entry));
        for (std::size_t bit = 0; bit < state_.keywords().size(); ++bit) {
            bool set = entry->keywords & (std::uint64_t{1} << bit);
            if (set && !state_.keywords()[bit].empty())
                source.keywords.push_back(state_.keywords()[bit]);
        }
        sources.push_back(std::move(source));
    }
    return sources;
}

namespace {

/// The files that a copy has made so far: gone again unless it succeeds.
class Links {
public:
    Links() = default;
    Links(const Links&) = delete;
    Links& operator=(const Links&) = delete;
    ~Links() {
        for (const std::string& path : paths_)
            ::unlink(path.c_str());
    }
    void add(std::string path) { paths_.push_back(std::move(path)); }
    void keep() { paths_.clear(); }

private:
    std::vector<std::string> paths_;
};

/// The message's bytes must be on disk before its new home counts: the queue may have delivered
/// it a moment ago without a flush, and forgets it when it sees that it was moved.
Result<void> flush_message(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return system_error("open " + path);
    if (::fdatasync(fd.get()) != 0) return system_error("flush " + path);
    return {};
}

/// Many at a time: the whole file system.
Result<void> flush_all(const std::string& dir) {
    TRY(std::uint64_t device, hold_file_system(dir));
    return flush_file_system(device);
}

}  // namespace

Result<CopyOutcome> Folder::copy_in(const Folder& source, std::vector<CopySource> sources) {
    const bool many = sources.size() >= kManyFiles;
    if (many) {
        TRY_VOID(flush_all(source.dir()));
    }
    TRY(Turn turn, begin());
    Links links;
    CopyOutcome outcome;
    outcome.uid_validity = state_.uid_validity();
    index::RecordWriter records = writer();
    std::uint32_t uid = state_.next_uid();
    for (CopySource& from : sources) {
        TRY(std::uint64_t keywords, keyword_bits(from.keywords));
        std::string base = unique_name(options_.hostname);
        FileName old = parse_file_name(std::string_view(from.path).substr(source.dir().size() + 5));
        if (old.size) base += ",S=" + std::to_string(*old.size);
        if (from.entry.size) base += ",W=" + std::to_string(from.entry.size);
        std::string name = with_uid(base, uid) + info_suffix(from.entry.flags, keywords, {});
        std::string path = dir_ + "/cur/" + name;
        if (!many) {
            TRY_VOID(flush_message(from.path));
        }
        if (::link(from.path.c_str(), path.c_str()) != 0) return system_error("link " + path);
        links.add(std::move(path));
        index::Append record;
        record.uid = uid;
        record.modseq = state_.modseq() + 1;
        record.flags = from.entry.flags;
        record.keywords = keywords;
        record.date = from.entry.date;
        record.size = from.entry.size;
        record.place = index::Entry::in_cur;
        record.name = name;
        record.summary = from.summary;
        records.add(record);
        outcome.source.push_back(from.entry.uid);
        outcome.target.push_back(uid++);
    }
    TRY_VOID(flush_directory(dir_, "cur"));
    index::Reservation reservation = turn.lock.reservation();
    if (reservation.limit < uid || reservation.uid_validity == 0) {
        TRY_VOID(turn.lock.reserve({state_.uid_validity(), uid + 256}));
    }
    TRY_VOID(commit(records));
    links.keep();
    TRY_VOID(compact_if_due());
    return outcome;
}

Result<CopyOutcome> Folder::copy_to(Folder& target, const std::vector<std::uint32_t>& uids) {
    TRY(std::vector<CopySource> sources, copy_sources(uids));
    auto outcome = target.copy_in(*this, std::move(sources));
    if (outcome || !outcome.error().is_temporary()) return outcome;
    // Another program may have renamed a file: look again, once.
    TRY_VOID(refresh(true));
    TRY(sources, copy_sources(uids));
    return target.copy_in(*this, std::move(sources));
}

}  // namespace facteur::store::maildir
