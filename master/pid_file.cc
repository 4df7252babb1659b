#include "master/pid_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/log.h"

namespace facteur::master {
namespace {

struct flock whole_file(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

}  // namespace

std::optional<pid_t> PidFile::holder(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::nullopt;
    // Asks as a writer would, so that any lock shows; the file need not be writable for that.
    struct flock lock = whole_file(F_WRLCK);
    if (::fcntl(file.get(), F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK) return std::nullopt;
    return lock.l_pid;
}

Result<PidFile> PidFile::take(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file) return system_error("open " + path);
    struct flock lock = whole_file(F_WRLCK);
    if (::fcntl(file.get(), F_SETLK, &lock) < 0) {
        if (errno != EAGAIN && errno != EACCES) return system_error("lock " + path);
        auto other = holder(path);
        return permanent("the mail system is already running" +
                         (other ? " as process " + std::to_string(*other) : std::string()));
    }
    std::string text = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file.get(), 0) < 0 ||
        ::pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        return system_error("write " + path);
    return PidFile(std::move(file));
}

Result<Fd> lock_out_old_workers(const std::string& path, int seconds) {
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return system_error("open " + path);
    for (int waited = 0; ::flock(file.get(), LOCK_EX | LOCK_NB) < 0; ++waited) {
        if (errno != EWOULDBLOCK) return system_error("lock " + path);
        if (waited == seconds)
            return temporary("daemons of an earlier run do not end; see `fuser " + path + "`");
        if (waited == 0) log_info("waiting for the daemons of an earlier run to end");
        ::sleep(1);
    }
    return file;
}

}  // namespace facteur::master
