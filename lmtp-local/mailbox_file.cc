#include "lmtp-local/mailbox_file.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/write_all.h"
#include "lmtp-local/unix_form.h"

namespace facteur::lmtp_local {
namespace {

bool wants(const FileTask& task, std::string_view lock) {
    return std::find(task.locks.begin(), task.locks.end(), lock) != task.locks.end();
}

/// Tries as often as the task allows; a temporary Error 4.2.0 when somebody else keeps it.
template <class Try>
Result<void> persist(const FileTask& task, std::string_view what, Try attempt) {
    for (std::int64_t left = std::max<std::int64_t>(task.attempts, 1); left > 0; --left) {
        if (attempt()) return {};
        const bool is_busy = errno == EEXIST || errno == EAGAIN || errno == EACCES;
        if (!is_busy) return system_error(std::string(what) + " " + task.path);
        if (left > 1) std::this_thread::sleep_for(std::chrono::milliseconds(task.delay));
    }
    return temporary("cannot lock " + task.path + ": " + std::string(what) + " is held by another",
                     "4.2.0");
}

/// "PATH.lock", as all mail programs agree on it; removed at the end.
class DotLock {
public:
    DotLock() = default;
    DotLock(const DotLock&) = delete;
    DotLock& operator=(const DotLock&) = delete;
    ~DotLock() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }
    Result<void> take(const FileTask& task) {
        const std::string path = task.path + ".lock";
        auto make = [&] {
            Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
            if (fd) return true;
            const int error = errno == EACCES ? EPERM : errno;  // not busy: we may not
            struct stat found {};
            if (error == EEXIST && ::stat(path.c_str(), &found) == 0 &&
                found.st_mtime + task.stale < std::time(nullptr))
                ::unlink(path.c_str());
            errno = error;
            return false;
        };
        TRY_VOID(persist(task, "dotlock", make));
        path_ = path;
        return {};
    }

private:
    std::string path_;
};

Result<void> lock_file(const FileTask& task, int fd) {
    if (wants(task, "fcntl")) {
        struct flock whole {};
        whole.l_type = F_WRLCK;
        whole.l_whence = SEEK_SET;
        TRY_VOID(persist(task, "fcntl lock", [&] { return ::fcntl(fd, F_SETLK, &whole) == 0; }));
    }
    if (wants(task, "flock")) {
        TRY_VOID(persist(task, "flock", [&] { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }));
    }
    return {};
}

Result<void> refused(const FileTask& task, const std::string& why) {
    return permanent("cannot append to " + task.path + ": " + why, "5.2.0");
}

Result<void> write_message(const FileTask& task, int fd, int content) {
    return to_unix_form(UnixForm::mailbox, task.from_line, task.prefix, content, task.offset,
                        task.size, [&](std::string_view piece) -> Result<void> {
                            if (write_all(fd, piece)) return {};
                            if (errno == EFBIG || errno == EDQUOT)
                                return permanent("cannot append to " + task.path + ": no room",
                                                 "5.2.2");
                            return system_error("append to " + task.path);
                        });
}

/// What must be so before a stranger's mail goes into it.
Result<void> check(const FileTask& task, const struct stat& found) {
    if (S_ISDIR(found.st_mode)) return refused(task, "is a directory");
    if (!S_ISREG(found.st_mode)) return {};
    if (found.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) return refused(task, "is executable");
    if (found.st_nlink != 1) return refused(task, "has other names");
    if (task.own && found.st_uid != ::geteuid())
        return temporary("mailbox " + task.path + " is not owned by its user", "4.2.0");
    return {};
}

}  // namespace

Result<void> append_to_file(const FileTask& task, int content) {
    struct stat found {};
    const bool is_new = ::lstat(task.path.c_str(), &found) != 0;
    if (!is_new && S_ISLNK(found.st_mode)) return refused(task, "is a symbolic link");
    const bool is_regular = is_new || S_ISREG(found.st_mode);
    DotLock dotlock;
    if (is_regular && wants(task, "dotlock")) {
        TRY_VOID(dotlock.take(task));
    }
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    Fd fd(::open(task.path.c_str(), flags | (is_regular ? O_CREAT : 0), 0600));
    if (!fd && errno == EISDIR) return refused(task, "is a directory");
    if (!fd && errno == ENOTDIR) return refused(task, "what should be a directory is none");
    if (!fd || ::fstat(fd.get(), &found) != 0) return system_error("open " + task.path);
    TRY_VOID(check(task, found));
    if (!S_ISREG(found.st_mode)) return write_message(task, fd.get(), content);
    TRY_VOID(lock_file(task, fd.get()));
    if (::fstat(fd.get(), &found) != 0) return system_error(task.path);
    const auto before = static_cast<std::uint64_t>(found.st_size);
    if (task.limit > 0 && before + task.size > task.limit)
        return permanent("mailbox " + task.path + " is full", "5.2.2");
    Result<void> written = write_message(task, fd.get(), content);
    if (written && ::fsync(fd.get()) != 0) written = system_error("flush " + task.path);
    if (!written && ::ftruncate(fd.get(), found.st_size) != 0)
        written.error().text += "; and what was written could not be removed";
    return written;
}

}  // namespace facteur::lmtp_local
