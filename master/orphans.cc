#include "master/orphans.h"

#include <csignal>
#include <ctime>

#include <sys/prctl.h>
#include <sys/wait.h>

namespace facteur::master {

void adopt_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

bool await_orphans(Seconds patience) {
    sigset_t child_ended;
    ::sigemptyset(&child_ended);
    ::sigaddset(&child_ended, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child_ended, nullptr);
    TimePoint deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        pid_t ended = ::waitpid(-1, nullptr, WNOHANG);
        if (ended < 0) return true;
        if (ended > 0) continue;
        auto left = deadline - std::chrono::steady_clock::now();
        if (left.count() <= 0) return false;
        auto seconds = std::chrono::duration_cast<Seconds>(left);
        auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds);
        timespec wait{seconds.count(), rest.count()};
        ::sigtimedwait(&child_ended, nullptr, &wait);
    }
}

}  // namespace facteur::master
