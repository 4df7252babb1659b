#include "lib/spool/files.h"

#include <cerrno>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace facteur::spool {
namespace {

std::unexpected<Error> failed(const std::string& what) {
    bool full = errno == ENOSPC || errno == EDQUOT;
    auto error = system_error(what);
    if (!full) return error;
    Error with_status = error.error();
    with_status.status = "4.3.1";  // RFC 3463 section 3.4: mail system full
    return std::unexpected(std::move(with_status));
}

}  // namespace

Result<Fd> Files::open(const std::string& path, int flags, unsigned mode) {
    Fd fd(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd) return failed("open " + path);
    return fd;
}

Result<void> Files::write(int fd, std::string_view bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return failed("write");
        bytes.remove_prefix(static_cast<std::size_t>(written));
        offset += static_cast<std::uint64_t>(written);
    }
    return {};
}

Result<void> Files::truncate(int fd, std::uint64_t size) {
    if (::ftruncate(fd, static_cast<off_t>(size)) != 0) return failed("truncate");
    return {};
}

Result<void> Files::flush(int fd) {
    if (::fdatasync(fd) != 0) return failed("fdatasync");
    return {};
}

Result<void> Files::rename(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename " + from + " to " + to);
    return {};
}

Result<void> Files::remove(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("remove " + path);
    return {};
}

Result<void> Files::flush_folder(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return failed("open " + path);
    if (::fsync(fd.get()) != 0) return failed("fsync " + path);
    return {};
}

Result<void> Files::make_folder(const std::string& path, unsigned mode) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return failed("mkdir " + path);
    return {};
}

Result<void> Files::set_time(const std::string& path, std::int64_t when) {
    timespec times[2] = {{when, 0}, {when, 0}};
    if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
        return failed("set the time of " + path);
    }
    return {};
}

Result<Fd> open_to_read(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd) return failed("open " + path);
    return fd;
}

Result<std::string> read_exactly(int fd, std::uint64_t offset, std::size_t n) {
    std::string bytes(n, '\0');
    for (std::size_t have = 0; have < n;) {
        ssize_t got = ::pread(fd, bytes.data() + have, n - have, static_cast<off_t>(offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("read");
        if (got == 0) return temporary("file is shorter than it should be");
        have += static_cast<std::size_t>(got);
    }
    return bytes;
}

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    DIR* dir = ::opendir(folder.c_str());
    if (!dir) return names;
    while (const dirent* entry = ::readdir(dir)) {  // NOLINT: one DIR, one thread
        std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(dir);
    return names;
}

FileState state_of(const std::string& path) {
    struct stat st {};
    FileState state;
    if (::lstat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return state;
    state.modified = st.st_mtim.tv_sec;
    state.changed = st.st_ctim.tv_sec;
    state.size = st.st_size;
    state.uid = st.st_uid;
    return state;
}

std::uint64_t free_space(const std::string& folder) {
    struct statvfs fs {};
    if (::statvfs(folder.c_str(), &fs) != 0) return 0;
    return std::uint64_t{fs.f_bavail} * fs.f_frsize;
}

}  // namespace facteur::spool
