#include "lib/daemon/inherited.h"

#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/daemon/protocol.h"

namespace facteur::daemon {
namespace {

Fd take(int number) {
    if (::fcntl(number, F_SETFD, FD_CLOEXEC) < 0) return Fd();
    return Fd(number);
}

Result<std::string> read_all(const Fd& file) {
    std::string text;
    char block[8192];
    for (;;) {
        ssize_t got = ::pread(file.get(), block, sizeof block, static_cast<off_t>(text.size()));
        if (got < 0) return system_error("read main.cf");
        if (got == 0) return text;
        text.append(block, static_cast<std::size_t>(got));
    }
}

}  // namespace

Result<std::vector<Listener>> parse_sockets(std::string_view text) {
    std::vector<Listener> listeners;
    for (std::string_view word : words(text)) {
        Listener listener;
        if (!word.starts_with("inet:") && !word.starts_with("unix:"))
            return permanent("strange socket name: " + std::string(word));
        listener.is_inet = word.starts_with("inet:");
        listener.service = word.substr(5);
        listeners.push_back(std::move(listener));
    }
    return listeners;
}

Result<std::string> read_main_cf(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return system_error("open " + path);
    return read_all(file);
}

Result<Inherited> take_inherited() {
    const char* sockets = std::getenv(kSocketsVariable);
    if (!sockets) return permanent("this program is started by facteur's master, not by hand");
    Inherited inherited;
    inherited.control = take(kControlFd);
    Fd main_cf = take(kMainCfFd);
    if (!inherited.control || !main_cf) return permanent("master left no descriptors");
    inherited.log = take(kLogFd);
    TRY(inherited.main_cf, read_all(main_cf));
    if (const char* directory = std::getenv(kConfigVariable))
        inherited.config_directory = directory;
    TRY(inherited.listeners, parse_sockets(sockets));
    int number = kFirstListener;
    for (Listener& listener : inherited.listeners) {
        listener.fd = take(number++);
        if (!listener.fd) return permanent("no descriptor for socket " + listener.service);
    }
    // Stays open as long as this process lives: master's lock against a second run.
    inherited.lock = take(number);
    return inherited;
}

}  // namespace facteur::daemon
