#include "lib/daemon/nursery.h"

#include <cerrno>

#include <sys/socket.h>

#include "lib/daemon/nursery_process.h"
#include "lib/event/readiness.h"
#include "lib/net/socket.h"

namespace facteur::daemon {

Result<Nursery::Child> Nursery::start(const Birth& birth) {
    Child child;
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return system_error("socketpair");
    child.control = Fd(ends[0]);
    Fd its_control(ends[1]);
    TRY(auto way, socket_pair());
    child.way = std::move(way.first);
    int fds[kChildFds] = {its_control.get(), way.second.get()};
    TRY_VOID(send_birth(socket_.get(), birth, fds));
    return child;
}

Task<void> Nursery::ended(Scope& scope) {
    Readiness readiness(socket_.get());
    char nothing = 0;
    for (;;) {
        ssize_t got = ::recv(socket_.get(), &nothing, 1, MSG_DONTWAIT);
        if (got >= 0 || (errno != EAGAIN && errno != EINTR)) co_return;
        readiness.would_block(Readiness::read);
        co_await readiness.wait(Readiness::read, scope);
    }
}

}  // namespace facteur::daemon
