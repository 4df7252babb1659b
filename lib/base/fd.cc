#include "lib/base/fd.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace facteur {

void Fd::reset(int fd) {
    int saved = errno;  // callers report the errno of what failed before
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
    errno = saved;
}

Fd Fd::duplicate() const {
    return Fd(::fcntl(fd_, F_DUPFD_CLOEXEC, 3));
}

}  // namespace facteur
