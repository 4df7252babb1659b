#include "master/control.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/readiness.h"
#include "lib/event/sleep.h"

namespace facteur::master {
namespace {

constexpr Milliseconds kPatience(60000);

Task<std::string> read_word(int fd, Readiness& readiness, Scope& scope) {
    TimePoint until = Loop::current().now() + kPatience;
    char text[64];
    for (;;) {
        ssize_t got = ::recv(fd, text, sizeof text, MSG_DONTWAIT);
        if (got >= 0) co_return std::string(text, static_cast<std::size_t>(got));
        if (errno != EAGAIN) throw Closed("control socket");
        readiness.would_block(Readiness::read);
        co_await readiness.wait(Readiness::read, scope, until);
    }
}

Task<void> write_all(int fd, Readiness& readiness, Scope& scope, const std::string& text) {
    TimePoint until = Loop::current().now() + kPatience;
    std::size_t done = 0;
    while (done < text.size()) {
        ssize_t sent = ::send(fd, text.data() + done, text.size() - done, MSG_DONTWAIT);
        if (sent >= 0) {
            done += static_cast<std::size_t>(sent);
            continue;
        }
        if (errno != EAGAIN) throw Closed("control socket");
        readiness.would_block(Readiness::write);
        co_await readiness.wait(Readiness::write, scope, until);
    }
}

}  // namespace

Result<void> Control::open(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::unlink(path.c_str());
    // The mode is right from the first moment: bind(2) makes the name with it.
    mode_t before = ::umask(0177);
    bool bound =
        ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::umask(before);
    if (!bound) return system_error("bind " + path);
    if (::listen(listener_.get(), 16) < 0) return system_error("listen " + path);
    scope_.spawn(accept());
    return {};
}

Task<void> Control::accept() {
    Readiness readiness(listener_.get());
    for (;;) {
        Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        int error = errno;
        if (socket) {
            scope_.spawn(serve(std::move(socket)));
        } else if (error == EAGAIN) {
            readiness.would_block(Readiness::read);
            co_await readiness.wait(Readiness::read, scope_);
        } else {
            co_await Sleep(scope_, Milliseconds(100));
        }
    }
}

Task<void> Control::serve(Fd socket) {
    Readiness readiness(socket.get());
    std::string word = co_await read_word(socket.get(), readiness, scope_);
    while (word.ends_with('\n'))
        word.pop_back();
    std::string text = co_await answer_(std::move(word));
    co_await write_all(socket.get(), readiness, scope_, text);
}

}  // namespace facteur::master
