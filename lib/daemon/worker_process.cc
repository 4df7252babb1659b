#include "lib/daemon/worker_process.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <exception>

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/daemon/protocol.h"
#include "lib/event/errors.h"
#include "lib/event/readiness.h"
#include "lib/event/sleep.h"

namespace facteur::daemon {
namespace {

/// A stop that takes longer than this ends without asking: what is durable is on disk anyway.
constexpr Milliseconds kStopLimit(10000);
constexpr std::size_t kWorkerThreads = 8;

WorkerProcess* running = nullptr;

void on_term(int) {
    if (running) running->signalled();
}

/// A terminal's Ctrl-C reaches the whole process group; master decides who ends when.
void set_signals() {
    std::signal(SIGINT, SIG_IGN);   // NOLINT
    std::signal(SIGHUP, SIG_IGN);   // NOLINT
    std::signal(SIGTERM, on_term);  // NOLINT
}

}  // namespace

WorkerProcess::WorkerProcess(const Description& description, const Settings& settings,
                             Options options, Inherited inherited, std::unique_ptr<Nursery> nursery)
    : description_(description),
      settings_(settings),
      options_(std::move(options)),
      inherited_(std::move(inherited)),
      nursery_(std::move(nursery)),
      workers_(kWorkerThreads),
      signals_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

WorkerProcess::~WorkerProcess() {
    running = nullptr;
}

void WorkerProcess::make_service() {
    service_ = description_.make(*this);
    acceptor_ = std::make_unique<Acceptor>(*service_, sessions_, inherited_.listeners);
    running = this;
    set_signals();
}

int WorkerProcess::run() {
    skeleton_.spawn(listen_to_master());
    skeleton_.spawn(listen_to_signals());
    skeleton_.spawn(live());
    loop_.run();
    return status_;
}

/// What escapes start() would otherwise end that task alone and leave a process that does nothing.
Task<void> WorkerProcess::live() {
    std::string failure;
    try {
        co_await service_->start();
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty()) {
        fail("cannot start: " + failure);
        co_return;
    }
    if (draining_) co_return;
    acceptor_->start();
    bool single = description_.kind == Kind::single;
    tell(std::string(word::kReady) + " " + (single ? word::kSingle : word::kSessions));
}

void WorkerProcess::fail(std::string reason) {
    log_error(reason);
    status_ = 1;
    begin_end(true);
}

void WorkerProcess::signalled() {
    std::uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(signals_.get(), &one, sizeof one);
}

Task<void> WorkerProcess::listen_to_signals() {
    Readiness readiness(signals_.get());
    std::uint64_t count = 0;
    while (::read(signals_.get(), &count, sizeof count) < 0) {
        readiness.would_block(Readiness::read);
        co_await readiness.wait(Readiness::read, skeleton_);
    }
    begin_end(true);
}

/// One datagram is one word.  End of file means that master is gone: without it nobody would
/// restart or stop this process, and its successor wants the listening sockets.
Task<void> WorkerProcess::listen_to_master() {
    int fd = inherited_.control.get();
    Readiness readiness(fd);
    char text[64];
    for (;;) {
        ssize_t got = ::recv(fd, text, sizeof text, MSG_DONTWAIT);
        if (got > 0) {
            obey(std::string_view(text, static_cast<std::size_t>(got)));
        } else if (got < 0 && errno == EAGAIN) {
            readiness.would_block(Readiness::read);
            co_await readiness.wait(Readiness::read, skeleton_);
        } else if (got == 0 || errno != EINTR) {
            break;
        }
    }
    begin_end(true);
}

void WorkerProcess::obey(std::string_view text) {
    if (text == word::kDrain)
        begin_end(false);
    else if (text == word::kStop)
        begin_end(true);
    else if (text == word::kStatus)
        tell(std::string(word::kStatus) + " " + numbers());
    else if (text == word::kWakeup)
        service_->wakeup();
}

std::string WorkerProcess::numbers() const {
    std::string text = "connections=" + std::to_string(acceptor_->connections()) +
                       " served=" + std::to_string(acceptor_->accepted());
    if (draining_) text += " draining";
    std::string own = service_->status();
    return own.empty() ? text : text + " " + own;
}

void WorkerProcess::tell(const std::string& text) {
    // Master reads at once or is in trouble; a status line is not worth waiting for.
    ::send(inherited_.control.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void WorkerProcess::begin_end(bool at_once) {
    if (at_once && !stopping_) {
        stopping_ = true;
        skeleton_.spawn(give_up_late());
        if (draining_) sessions_.cancel();
    }
    if (draining_) return;
    draining_ = true;
    skeleton_.spawn(end());
}

Task<void> WorkerProcess::give_up_late() {
    try {
        co_await Sleep(skeleton_, kStopLimit);
    } catch (const Cancelled&) {
        co_return;
    }
    log_warning("still busy " + std::to_string(kStopLimit.count() / 1000) + " s after stop, ends");
    ::_exit(1);
}

Task<void> WorkerProcess::end() {
    co_await acceptor_->stop();
    // An open socket that nobody accepts from would let clients wait for nothing.
    for (Listener& listener : inherited_.listeners)
        listener.fd.reset();
    try {
        co_await service_->drain();
    } catch (const std::exception& e) {
        log_warning(std::string("drain: ") + e.what());
    }
    // Single daemons may serve their connections in either scope.
    if (stopping_ || description_.kind == Kind::single) {
        sessions_.cancel();
        scope_.cancel();
    }
    co_await sessions_.join();
    scope_.cancel();
    co_await scope_.join();
    loop_.stop();
}

}  // namespace facteur::daemon
