#include "lib/store/maildir/message_file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/base/write_all.h"
#include "lib/store/compression.h"
#include "lib/store/index/summary_codec.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/files.h"

namespace facteur::store::maildir {
namespace {

constexpr std::size_t kCompareBlock = 64 << 10;

/// The content to be read: bytes, or a descriptor's file read (small) or mapped (large).
class ContentView {
public:
    explicit ContentView(const NewMessage& message) {
        if (!message.content) {
            view_ = message.bytes;
            good_ = true;
            return;
        }
        int fd = message.content.get();
        struct stat found {};
        if (::fstat(fd, &found) != 0) return;
        auto total = static_cast<std::uint64_t>(found.st_size);
        std::uint64_t offset = std::min(message.content_offset, total);
        std::uint64_t size = message.content_size ? message.content_size : total - offset;
        if (size > total - offset) return;
        if (size <= kMostRead) {
            read(fd, offset, size);
        } else {
            map(fd, offset, size);
        }
    }
    ContentView(const ContentView&) = delete;
    ContentView& operator=(const ContentView&) = delete;
    ~ContentView() {
        if (mapped_) ::munmap(mapped_, mapped_size_);
    }
    bool good() const { return good_; }
    std::string_view view() const { return view_; }

private:
    static constexpr std::size_t kMostRead = 256 * 1024;

    void read(int fd, std::uint64_t offset, std::size_t size) {
        buffer_.resize(size);
        std::size_t have = 0;
        while (have < size) {
            ssize_t got =
                ::pread(fd, buffer_.data() + have, size - have, static_cast<off_t>(offset + have));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return;
            have += static_cast<std::size_t>(got);
        }
        view_ = buffer_;
        good_ = true;
    }
    void map(int fd, std::uint64_t offset, std::size_t size) {
        void* at = ::mmap(nullptr, offset + size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at == MAP_FAILED) return;
        mapped_ = at;
        mapped_size_ = offset + size;
        view_ = std::string_view(static_cast<const char*>(at) + offset, size);
        good_ = true;
    }

    std::string buffer_;
    void* mapped_ = nullptr;
    std::size_t mapped_size_ = 0;
    std::string_view view_;
    bool good_ = false;
};

std::string base_name(const NewMessage& message, const std::string& hostname) {
    if (message.delivery_id.empty()) return unique_name(hostname);
    return fmt::format("{}.{}.{}", std::time(nullptr), delivery_key(message.delivery_id), hostname);
}

Result<void> write_content(int fd, const std::string& path, const std::string& prefix,
                           std::string_view content) {
    int level = compression_level();
    std::string packed;
    if (level != 0) packed = compress(prefix + std::string(content), level);
    bool written =
        packed.empty() ? write_all(fd, prefix) && write_all(fd, content) : write_all(fd, packed);
    if (!written) return system_error("write " + path);
    return {};
}

}  // namespace

std::string unique_name(const std::string& hostname) {
    static std::atomic<unsigned> count{0};
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return fmt::format("{}.M{}P{}Q{}.{}", now.tv_sec, now.tv_nsec / 1000, ::getpid(), ++count,
                       hostname);
}

Result<MessageFile> MessageFile::write(const Place& place, const NewMessage& message) {
    ContentView content(message);
    if (!content.good()) return system_error("read the message");
    MessageFile file;
    file.dir_ = place.dir;
    std::string path = place.dir + "/tmp/" + unique_name(place.hostname);
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, place.file_mode));
    if (!fd) {
        if (errno == ENOENT) return permanent("no such mailbox", "5.1.1");
        return system_error("create " + path);
    }
    file.path_ = path;
    TRY_VOID(write_content(fd.get(), path, message.prefix, content.view()));
    // internal_date is the file's mtime, for every other program's eyes too.
    file.date_ = message.internal_date ? *message.internal_date : std::time(nullptr);
    if (message.internal_date) {
        timespec times[2] = {{0, UTIME_OMIT}, {*message.internal_date, 0}};
        if (::futimens(fd.get(), times) != 0) return system_error("set the date of " + path);
    }
    bool flushes = message.durability == Durability::now && !place.flushed_together;
    if (flushes && ::fdatasync(fd.get()) != 0) return system_error("flush " + path);
    file.size_ = message.prefix.size() + content.view().size();
    file.base_ =
        fmt::format("{},S={},W={}", base_name(message, place.hostname), file.size_, file.size_);
    file.summary_ = index::encode_summary(index::make_summary(message.prefix, content.view()));
    return file;
}

MessageFile::MessageFile(MessageFile&& other) noexcept
    : dir_(std::move(other.dir_)),
      path_(std::exchange(other.path_, {})),
      base_(std::move(other.base_)),
      summary_(std::move(other.summary_)),
      size_(other.size_),
      date_(other.date_) {}

MessageFile& MessageFile::operator=(MessageFile&& other) noexcept {
    std::swap(dir_, other.dir_);
    std::swap(path_, other.path_);
    std::swap(base_, other.base_);
    std::swap(summary_, other.summary_);
    std::swap(size_, other.size_);
    std::swap(date_, other.date_);
    return *this;
}

MessageFile::~MessageFile() {
    withdraw();
}

void MessageFile::withdraw() {
    if (!path_.empty()) ::unlink(path_.c_str());
    path_.clear();
}

Result<std::string> MessageFile::publish(std::uint32_t uid, Flags flags, std::uint64_t keywords) {
    bool cur = goes_to_cur(flags, keywords);
    std::string name = with_uid(base_, uid);
    if (cur) name += info_suffix(flags, keywords, {});
    std::string to = dir_ + (cur ? "/cur/" : "/new/") + name;
    if (::rename(path_.c_str(), to.c_str()) != 0) return system_error("rename to " + to);
    path_ = to;
    return name;
}

Result<bool> MessageFile::same_as(const std::string& path) const {
    Fd ours(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!ours) return system_error("open " + path_);
    Fd theirs(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!theirs) return system_error("open " + path);
    std::vector<char> left(kCompareBlock);
    std::vector<char> right(kCompareBlock);
    for (std::uint64_t at = 0;;) {
        ssize_t here = ::pread(ours.get(), left.data(), left.size(), static_cast<off_t>(at));
        if (here < 0) return system_error("read " + path_);
        ssize_t there = ::pread(theirs.get(), right.data(), right.size(), static_cast<off_t>(at));
        if (there < 0) return system_error("read " + path);
        if (here != there || !std::equal(left.begin(), left.begin() + here, right.begin()))
            return false;
        if (here == 0) return true;
        at += static_cast<std::uint64_t>(here);
    }
}

Result<void> MessageFile::replace(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0) {
        timespec times[2] = {{0, UTIME_OMIT}, found.st_mtim};
        if (::utimensat(AT_FDCWD, path_.c_str(), times, 0) != 0)
            return system_error("set the date of " + path_);
    }
    // Exchanged, not renamed: what another program has just moved must not come back.
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0)
        return {};
    if (errno == ENOENT) return {};
    if (errno != EINVAL && errno != ENOSYS) return system_error("replace " + path);
    if (::rename(path_.c_str(), path.c_str()) != 0) return system_error("replace " + path);
    path_.clear();
    return {};
}

Result<void> flush_directory(const std::string& dir, std::string_view place) {
    std::string path = dir + "/" + std::string(place);
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return system_error("flush " + path);
    return {};
}

}  // namespace facteur::store::maildir
