#include "master/worker.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include <sys/socket.h>

namespace facteur::master {

void Worker::tell(const char* word) const {
    // A worker that does not read its few words is stuck; the time limits see to it.
    ::send(control.get(), word, std::strlen(word), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Worker::kill() const {
    ::kill(pid, SIGKILL);
}

unsigned Slots::take() {
    auto free = std::find(used_.begin(), used_.end(), false);
    if (free == used_.end()) free = used_.insert(used_.end(), false);
    *free = true;
    return static_cast<unsigned>(free - used_.begin());
}

}  // namespace facteur::master
