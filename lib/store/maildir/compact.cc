#include <algorithm>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/write_all.h"
#include "lib/store/maildir/files.h"
#include "lib/store/maildir/folder.h"

namespace facteur::store::maildir {
namespace {

/// The log is folded into a new snapshot when it is longer than this and than half the snapshot.
constexpr std::uint64_t kLeastLog = 256 * 1024;
/// Deliveries of expunged messages are remembered as long as a queue can keep a message, and
/// some more.
constexpr std::int64_t kRemember = 14 * 86400;
constexpr std::size_t kMostRemembered = 20000;

/// In facteur.cache.ID each summary has its CRC32C before it.
constexpr std::uint64_t kChecksum = 4;

/// Collects summaries for the end of a cache file.
class CacheWriter {
public:
    explicit CacheWriter(std::uint64_t end) : end_(end) {}
    void add(index::Entry& entry, std::string_view summary) {
        std::uint32_t crc = crc32c(summary);
        char raw[kChecksum];
        std::memcpy(raw, &crc, sizeof raw);
        bytes_.append(raw, sizeof raw);
        entry.source = index::Entry::cache_file;
        entry.summary_offset = end_ + bytes_.size();
        entry.summary_length = static_cast<std::uint32_t>(summary.size());
        bytes_.append(summary);
    }
    const std::string& bytes() const { return bytes_; }

private:
    std::uint64_t end_;
    std::string bytes_;
};

}  // namespace

std::string Folder::cache_path(std::uint64_t id) const {
    return fmt::format("{}/facteur.cache.{:016x}", dir_, id);
}

/// Needs the state mutex, which keeps the windows as they are too.
std::string_view Folder::summary_bytes(const index::Entry& entry) const {
    if (entry.source == index::Entry::log_file)
        return log_window_.at(log_.get(), entry.summary_offset, entry.summary_length);
    if (entry.source != index::Entry::cache_file || entry.summary_offset < kChecksum) return {};
    std::string_view raw = cache_window_.at(cache_.get(), entry.summary_offset - kChecksum,
                                            entry.summary_length + kChecksum);
    if (raw.empty()) return raw;
    std::string_view bytes = raw.substr(kChecksum);
    if (entry.uid < checked_.size() && checked_[entry.uid]) return bytes;
    // The cache is never flushed: its checksum tells whether it is there after a power cut.
    std::uint32_t crc = 0;
    std::memcpy(&crc, raw.data(), sizeof crc);
    if (crc32c(bytes) != crc) return {};
    constexpr std::size_t kMostChecked = 8 << 20;  // a bit each
    if (checked_.size() <= entry.uid && entry.uid < kMostChecked)
        checked_.resize(state_.next_uid() < kMostChecked ? state_.next_uid() : kMostChecked);
    if (entry.uid < checked_.size()) checked_[entry.uid] = true;
    return bytes;
}

Result<void> Folder::compact_if_due() {
    if (index_.log_size() < std::max(kLeastLog, index_.snapshot_size() / 2)) return {};
    return compact();
}

Result<void> Folder::compact() {
    std::vector<index::Entry> entries;
    std::uint64_t live = 0;
    state_.each([&](const index::Entry& entry) {
        entries.push_back(entry);
        live += entry.summary_length;
    });
    std::uint64_t cache_id = state_.cache_id();
    struct stat found {};
    std::uint64_t end = 0;
    if (::stat(cache_path(cache_id).c_str(), &found) == 0)
        end = static_cast<std::uint64_t>(found.st_size);
    const bool fresh_cache = end > 2 * live + (std::uint64_t{1} << 20);
    if (fresh_cache) {
        cache_id = index::new_id();
        end = 0;
    }
    CacheWriter cache(end);
    std::unique_lock windows(state_mutex_);
    for (index::Entry& entry : entries) {
        if (!fresh_cache && entry.source != index::Entry::log_file) continue;
        std::string_view bytes = summary_bytes(entry);
        entry.source = index::Entry::none;
        entry.summary_length = 0;
        if (!bytes.empty()) cache.add(entry, bytes);
    }
    windows.unlock();
    Fd fd(::open(cache_path(cache_id).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                 options_.file_mode));
    if (!fd || !write_all(fd.get(), cache.bytes()))
        return system_error("write " + cache_path(cache_id));

    index::Header header;
    std::string body = state_.snapshot(header, std::move(entries));
    header.log_id = index::new_id();
    const std::uint64_t old_cache = header.cache_id;
    header.cache_id = cache_id;
    index::RecordWriter records(header.log_id);
    for (std::size_t bit = 0; bit < state_.keywords().size(); ++bit) {
        if (!state_.keywords()[bit].empty())
            records.add(index::Keyword{static_cast<std::uint8_t>(bit), state_.keywords()[bit]});
    }
    std::size_t remembered = 0;
    for (const auto& [key, when] : state_.delivered()) {
        if (when > std::time(nullptr) - kRemember && ++remembered <= kMostRemembered)
            records.add(index::Delivered{when, key});
    }
    for (const std::string& key : state_.leftovers())
        records.add_leftover(key);
    TRY_VOID(index_.replace(header, body, records, options_.file_mode));
    if (old_cache != cache_id) ::unlink(cache_path(old_cache).c_str());
    return reload();
}

}  // namespace facteur::store::maildir
