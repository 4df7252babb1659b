#include "master/service.h"

#include <algorithm>
#include <cerrno>
#include <thread>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/daemon/protocol.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/readiness.h"
#include "lib/event/sleep.h"
#include "master/launch.h"

namespace facteur::master {
namespace {

namespace word = daemon::word;

Milliseconds since(TimePoint start) {
    return std::chrono::duration_cast<Milliseconds>(Loop::current().now() - start);
}

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
    return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Service::Service(Scope& scope, Slots& slots, int lock)
    : scope_(scope), slots_(slots), lock_(lock), backoff_(Milliseconds(60000)) {}

void Service::configure(std::shared_ptr<const Generation> generation, conf::ServiceLine line,
                        std::vector<Assigned> sockets) {
    if (line.command != line_.command) kind_ = Kind::unknown;
    ending_ = false;
    generation_ = std::move(generation);
    line_ = std::move(line);
    sockets_ = std::move(sockets);
    backoff_.set_longest(generation_->settings.service_throttle_time());
    backoff_.reset();
    throttled_ = false;
    if (kind_ == Kind::single) drain_others();
    if (line_.wakeup > 0 && !wakes_) scope_.spawn(wake_regularly());
    refill();
}

void Service::retire() {
    ending_ = true;
    for (Worker& worker : workers_)
        worker.tell(word::kDrain);
}

int Service::wanted() const {
    if (kind_ != Kind::sessions) return 1;
    if (line_.max_processes > 0) return line_.max_processes;
    if (int limit = generation_->settings.process_limit()) return limit;
    return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

/// While the kind is unknown or single, an old worker has to end before a new one starts.
bool Service::wants_more() const {
    if (ending_ || throttled_ || !generation_) return false;
    if (kind_ == Kind::single) return workers_.empty();
    auto current = std::count_if(workers_.begin(), workers_.end(), [&](const Worker& worker) {
        return worker.generation == generation_->number && !worker.draining;
    });
    return current < wanted();
}

void Service::refill() {
    while (wants_more()) {
        auto started = start_one();
        if (started) continue;
        start_failed(started.error().text, Milliseconds(0));
    }
}

Result<void> Service::start_one() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return system_error("socketpair");
    Worker worker;
    worker.control = Fd(ends[0]);
    Fd its_control(ends[1]);
    worker.generation = generation_->number;
    worker.started = Loop::current().now();
    worker.slot = slots_.take();
    Launch what;
    what.program = generation_->program(line_.command);
    what.arguments = arguments(worker.slot);
    what.environment = environment();
    what.descriptors = {its_control.get(), generation_->main_cf.get(),
                        generation_->log ? generation_->log.get() : -1};
    for (const Assigned& socket : sockets_)
        what.descriptors.push_back(socket.fd);
    what.descriptors.push_back(lock_);
    auto pid = launch(what);
    if (!pid) {
        slots_.give_back(worker.slot);
        return std::unexpected(pid.error());
    }
    worker.pid = *pid;
    worker.process = Fd(static_cast<int>(::syscall(SYS_pidfd_open, worker.pid, 0)));
    Place place = workers_.insert(workers_.end(), std::move(worker));
    scope_.spawn(listen(place));
    scope_.spawn(await_end(place));
    return {};
}

std::vector<std::string> Service::arguments(unsigned slot) const {
    std::vector<std::string> words{"-n", line_.name, "-i", std::to_string(slot)};
    if (line_.chroot) words.emplace_back("-c");
    if (!line_.unprivileged) words.emplace_back("-p");
    for (const auto& [name, value] : line_.overrides) {
        words.emplace_back("-o");
        words.push_back(name + "=" + value);
    }
    words.insert(words.end(), line_.arguments.begin(), line_.arguments.end());
    return words;
}

std::vector<std::string> Service::environment() const {
    std::vector<std::string> variables = kept_environment();
    variables.push_back(std::string(daemon::kConfigVariable) + "=" + generation_->directory);
    std::string names(daemon::kSocketsVariable);
    names += '=';
    for (const Assigned& socket : sockets_)
        names += socket.name + " ";
    variables.push_back(std::move(names));
    return variables;
}

Service::Place Service::find(pid_t pid) {
    return std::find_if(workers_.begin(), workers_.end(),
                        [&](const Worker& worker) { return worker.pid == pid; });
}

/// Words of the worker, until it closes the connection; it may leave the list before that.
Task<void> Service::listen(Place worker) {
    pid_t pid = worker->pid;
    Fd control = worker->control.duplicate();
    Readiness readiness(control.get());
    char text[1024];
    for (;;) {
        ssize_t got = ::recv(control.get(), text, sizeof text, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) {
            readiness.would_block(Readiness::read);
            co_await readiness.wait(Readiness::read, scope_);
            continue;
        }
        if (got <= 0) break;
        Place alive = find(pid);
        if (alive == workers_.end()) break;
        obey(*alive, std::string_view(text, static_cast<std::size_t>(got)));
    }
}

void Service::obey(Worker& worker, std::string_view text) {
    std::string_view first = take_word(text);
    if (first == word::kReady) {
        worker.ready = true;
        kind_ = text == word::kSingle ? Kind::single : Kind::sessions;
        if (worker.generation == generation_->number) drain_others();
        refill();
    } else if (first == word::kStatus) {
        worker.numbers = text;
        worker.answered = true;
    }
    changed_.notify_all();
}

/// A successor is there (or waits for the place): workers of older generations finish.
void Service::drain_others() {
    for (Place worker = workers_.begin(); worker != workers_.end(); ++worker) {
        if (worker->generation == generation_->number || worker->draining) continue;
        worker->draining = true;
        worker->tell(word::kDrain);
        if (kind_ == Kind::single) scope_.spawn(hurry(worker));
    }
}

/// The successor cannot start before this one is gone, so it does not get forever.
Task<void> Service::hurry(Place worker) {
    pid_t pid = worker->pid;
    const Settings& settings = generation_->settings;
    Milliseconds steps[] = {settings.drain_limit(), settings.stop_limit()};
    for (bool last : {false, true}) {
        TimePoint until = Loop::current().now() + steps[last ? 1 : 0];
        try {
            co_await Sleep(scope_, until);
        } catch (const Cancelled&) {
            co_return;
        }
        Place same = find(pid);
        if (same == workers_.end()) co_return;
        if (last)
            same->kill();
        else
            same->tell(word::kStop);
    }
}

Task<void> Service::await_end(Place worker) {
    Readiness readiness(worker->process.get());
    int status = 0;
    while (::waitpid(worker->pid, &status, WNOHANG) == 0) {
        readiness.would_block(Readiness::read);
        co_await readiness.wait(Readiness::read, scope_);
    }
    ended(worker, status);
}

void Service::ended(Place worker, int status) {
    bool expected = ending_ || worker->draining;
    Milliseconds lived = since(worker->started);
    std::string who = "process " + generation_->program(line_.command) + " pid " +
                      std::to_string(worker->pid) + " ";
    bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    slots_.give_back(worker->slot);
    workers_.erase(worker);
    if (!expected)
        start_failed(who + how_it_ended(status), lived);
    else if (!clean)
        log_warning(who + how_it_ended(status));
    refill();
    changed_.notify_all();
}

void Service::start_failed(const std::string& why, Milliseconds lived) {
    log_warning(why);
    Milliseconds delay = backoff_.ended(lived);
    if (delay.count() == 0) return;
    log_warning("service " + line_.name + ": will start " + line_.command + " again in " +
                std::to_string(delay.count() / 1000) + " s");
    throttled_ = true;
    scope_.spawn(refill_later(delay));
}

Task<void> Service::refill_later(Milliseconds delay) {
    co_await Sleep(scope_, delay);
    throttled_ = false;
    refill();
}

Task<void> Service::wake_regularly() {
    wakes_ = true;
    while (!ending_ && line_.wakeup > 0) {
        co_await Sleep(scope_, std::chrono::seconds(line_.wakeup));
        for (const Worker& worker : workers_)
            if (worker.ready) worker.tell(word::kWakeup);
    }
    wakes_ = false;
}

Task<void> Service::stop(Milliseconds limit) {
    ending_ = true;
    for (const Worker& worker : workers_)
        worker.tell(word::kStop);
    TimePoint until = Loop::current().now() + limit;
    bool late = false;
    while (!workers_.empty() && !late) {
        try {
            co_await changed_.wait(scope_, until);
        } catch (const TimedOut&) {
            late = true;
        }
    }
    for (const Worker& worker : workers_) {
        log_warning("service " + line_.name + ": process " + std::to_string(worker.pid) +
                    " does not end, killed");
        worker.kill();
    }
    while (!workers_.empty())
        co_await changed_.wait(scope_);
}

bool Service::is_up() const {
    return std::any_of(workers_.begin(), workers_.end(), [&](const Worker& worker) {
        return worker.ready && worker.generation == generation_->number;
    });
}

void Service::ask_status() {
    for (Worker& worker : workers_) {
        worker.answered = !worker.ready;
        worker.tell(word::kStatus);
    }
}

bool Service::has_answered() const {
    return std::all_of(workers_.begin(), workers_.end(),
                       [](const Worker& worker) { return worker.answered; });
}

std::string Service::status() const {
    std::string head = line_.name + "\t" +
                       (line_.type == conf::ServiceLine::Type::inet ? "inet" : "unix") + "\t" +
                       line_.command + "\t";
    std::string text;
    for (const Worker& worker : workers_) {
        const char* state = worker.draining ? "draining" : worker.ready ? "running" : "starting";
        text += head + std::to_string(worker.pid) + "\t" + state + "\t" +
                std::to_string(since(worker.started).count() / 1000) + "\t" + worker.numbers + "\n";
    }
    if (text.empty()) text = head + "-\t" + (throttled_ ? "failing" : "stopped") + "\t0\t\n";
    return text;
}

}  // namespace facteur::master
