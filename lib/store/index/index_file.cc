#include "lib/store/index/index_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encoding.h"

namespace facteur::store::index {
namespace {

bool write_all(int fd, std::string_view bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
    return true;
}

/// Up to `size` bytes; fewer at the end of the file.
std::string read_at(int fd, std::uint64_t offset, std::size_t size) {
    std::string out(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        ssize_t got =
            ::pread(fd, out.data() + have, size - have, static_cast<off_t>(offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
}

}  // namespace

std::uint64_t new_id() {
    std::uint64_t id = 0;
    while (id == 0) {
        std::string bytes = random_bytes(sizeof id);
        std::memcpy(&id, bytes.data(), sizeof id);
    }
    return id;
}

IndexFile::IndexFile(std::string dir) : dir_(std::move(dir)), path_(dir_ + "/facteur.index") {}

Result<IndexFile::Found> IndexFile::refresh(Sink& sink, bool locked) {
    struct stat now {};
    if (::stat(path_.c_str(), &now) != 0) {
        if (errno == ENOENT) return Found::missing;
        return system_error("stat " + path_);
    }
    // A hard link (a backup made with cp -al) keeps a replaced file alive: the inode tells, not
    // the link count.  A file that became shorter than what we read was rebuilt.
    bool known = log_id_ != 0 && now.st_ino == inode_ && now.st_dev == device_ &&
                 static_cast<std::uint64_t>(now.st_size) >= offset_;
    if (known && static_cast<std::uint64_t>(now.st_size) == offset_ && (fd_ || !locked))
        return Found::good;
    if (known && !fd_) {
        fd_.reset(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
        struct stat opened {};
        if (!fd_ || ::fstat(fd_.get(), &opened) != 0) return system_error("open " + path_);
        known = opened.st_ino == inode_ && opened.st_dev == device_;
    }
    if (!known) {
        TRY(Found found, open_file(sink));
        if (found != Found::good) return found;
    }
    return read_log(sink, locked);
}

Result<IndexFile::Found> IndexFile::open_file(Sink& sink) {
    log_id_ = 0;
    fd_.reset(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    struct stat opened {};
    if (!fd_ || ::fstat(fd_.get(), &opened) != 0) {
        if (errno == ENOENT) return Found::missing;
        return system_error("open " + path_);
    }
    Header header;
    std::string raw = read_at(fd_.get(), 0, sizeof header);
    if (raw.size() < sizeof header) return Found::broken;
    std::memcpy(&header, raw.data(), sizeof header);
    if (!valid(header)) return Found::broken;
    auto size = static_cast<std::uint64_t>(opened.st_size);
    std::uint64_t entries = std::uint64_t{header.entries} * sizeof(Entry);
    if (entries > size || header.names > size || sizeof header + entries + header.names > size)
        return Found::broken;
    if (!sink.begin(header, fd_.get())) return Found::broken;
    inode_ = opened.st_ino;
    device_ = opened.st_dev;
    log_id_ = header.log_id;
    log_start_ = offset_ = sizeof header + entries + header.names;
    return Found::good;
}

Result<IndexFile::Found> IndexFile::read_log(Sink& sink, bool locked) {
    struct stat now {};
    if (::fstat(fd_.get(), &now) != 0) return system_error("stat " + path_);
    auto size = static_cast<std::uint64_t>(now.st_size);
    if (size <= offset_) return Found::good;
    std::string log = read_at(fd_.get(), offset_, size - offset_);
    RecordReader reader(log, log_id_);
    RecordView record;
    std::size_t taken = 0;
    while (reader.next(record) && sink.apply(record, offset_ + record.payload_offset))
        taken = reader.position();
    offset_ += taken;
    if (taken == log.size() || !locked) return Found::good;
    // Nobody can be writing while we hold the lock: this is what a crash left.
    if (::ftruncate(fd_.get(), static_cast<off_t>(offset_)) != 0)
        return system_error("truncate " + path_);
    return Found::damaged;
}

Result<void> IndexFile::append(const RecordWriter& records, Sink& sink) {
    if (records.empty()) return {};
    if (!write_all(fd_.get(), records.bytes(), offset_)) {
        auto error = system_error("write " + path_);
        // What was written in part would look like damage to the next reader.
        if (::ftruncate(fd_.get(), static_cast<off_t>(offset_)) != 0) return error;
        return error;
    }
    RecordReader reader(records.bytes(), log_id_);
    RecordView record;
    while (reader.next(record))
        sink.apply(record, offset_ + record.payload_offset);
    offset_ += records.bytes().size();
    return {};
}

Result<void> IndexFile::flush() {
    if (fd_ && ::fdatasync(fd_.get()) != 0) return system_error("flush " + path_);
    return {};
}

Result<void> IndexFile::replace(Header header, std::string_view body, const RecordWriter& records,
                                unsigned file_mode, bool flush) {
    std::string temporary_path = path_ + ".new";
    Fd fd(::open(temporary_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, file_mode));
    if (!fd) return system_error("create " + temporary_path);
    header.crc = header_crc(header);
    std::string_view raw(reinterpret_cast<const char*>(&header), sizeof header);
    bool written = write_all(fd.get(), raw, 0) && write_all(fd.get(), body, raw.size()) &&
                   write_all(fd.get(), records.bytes(), raw.size() + body.size()) &&
                   (!flush || ::fdatasync(fd.get()) == 0) &&
                   ::rename(temporary_path.c_str(), path_.c_str()) == 0;
    if (!written) {
        auto error = system_error("write " + temporary_path);
        ::unlink(temporary_path.c_str());
        return error;
    }
    fd_.reset();
    log_id_ = 0;
    return {};
}

}  // namespace facteur::store::index
