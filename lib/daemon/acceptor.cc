#include "lib/daemon/acceptor.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/readiness.h"
#include "lib/event/sleep.h"
#include "lib/event/yield.h"

namespace facteur::daemon {
namespace {

/// How long accepting rests when descriptors or memory are exhausted, unless a connection ends.
constexpr Milliseconds kRest(1000);

/// Sessions that leave descriptors for their own work: a session needs its socket and, while a
/// message comes in, a memory file and that file's copy on its way to qmgr.
std::size_t descriptors_allow() {
    constexpr rlim_t kOwn = 32;
    constexpr rlim_t kEach = 3;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    return std::max<rlim_t>(1, (std::max(limit.rlim_cur, kOwn) - kOwn) / kEach);
}

bool is_exhaustion(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Acceptor::Acceptor(Service& service, Scope& sessions, const std::vector<Listener>& listeners)
    : service_(service), sessions_(sessions), listeners_(listeners) {}

void Acceptor::start() {
    limits_ = service_.limits();
    limits_.connections = std::min(limits_.connections, descriptors_allow());
    for (const Listener& listener : listeners_)
        accepting_.spawn(accept_from(listener));
}

Task<void> Acceptor::stop() {
    accepting_.cancel();
    co_await accepting_.join();
}

Task<void> Acceptor::accept_from(const Listener& listener) {
    Readiness readiness(listener.fd.get());
    while (!accepting_.cancelled()) {
        co_await make_room();
        sockaddr_storage storage{};
        auto& address = reinterpret_cast<sockaddr&>(storage);
        socklen_t size = sizeof storage;
        Fd socket(::accept4(listener.fd.get(), &address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        int error = errno;
        if (socket) {
            exhausted_ = false;
            admit(std::move(socket), listener, address);
            co_await Yield();
        } else if (error == EAGAIN) {
            readiness.would_block(Readiness::read);
            co_await readiness.wait(Readiness::read, accepting_);
        } else if (is_exhaustion(error)) {
            co_await rest_after(error);
        }  // anything else concerns that one connection, which is gone (accept(2), "Error
           // handling")
    }
}

Task<void> Acceptor::make_room() {
    while (connections_ >= limits_.connections)
        co_await ended_.wait(accepting_);
}

/// The connection stays in the backlog, so the socket stays readable: without a rest this would
/// turn at full speed.
Task<void> Acceptor::rest_after(int error) {
    if (!exhausted_) log_warning(std::string("accept: ") + std::strerror(error) + ", will wait");
    exhausted_ = true;
    try {
        TimePoint until = Loop::current().now() + kRest;
        co_await ended_.wait(accepting_, until);
    } catch (const TimedOut&) {
    }
}

void Acceptor::admit(Fd socket, const Listener& listener, const sockaddr& address) {
    std::string key = limits_.per_client > 0 ? PeerCount::key(address) : std::string();
    if (!key.empty() && service_.is_exempt(address_text(address))) key.clear();
    if (!key.empty() && peers_.add(key) > limits_.per_client) {
        peers_.remove(key);
        std::string text = service_.refusal(address_text(address));
        // One segment into an empty buffer: it fits, or the client has to do without.
        if (!text.empty()) ::send(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
        return;
    }
    ++connections_;
    ++accepted_;
    sessions_.spawn(run(std::move(socket), listener, std::move(key)));
}

Task<void> Acceptor::run(Fd socket, const Listener& listener, std::string key) {
    struct Leave {
        Acceptor& acceptor;
        const std::string& key;
        ~Leave() {
            --acceptor.connections_;
            if (!key.empty()) acceptor.peers_.remove(key);
            acceptor.ended_.notify_all();
        }
    } leave{*this, key};
    co_await service_.connection(std::move(socket), listener);
}

}  // namespace facteur::daemon
