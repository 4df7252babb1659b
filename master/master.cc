#include "master/master.h"

#include <cerrno>
#include <csignal>

#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/readiness.h"
#include "lib/event/sleep.h"
#include "lib/sandbox/sandbox.h"
#include "master/notify.h"
#include "master/orphans.h"
#include "master/spool_layout.h"

namespace facteur::master {
namespace {

constexpr Milliseconds kStartLimit(10000);
constexpr Seconds kOrphanLimit(10);
/// How often it is looked whether certificates are to be watched again.
constexpr Milliseconds kIdleLook(60000);
constexpr int kWaitForOldWorkers = 30;  // seconds

/// Master has no threads, and launch() unblocks the signals for its children.
Fd block_signals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (int signal : {SIGTERM, SIGINT, SIGHUP})
        ::sigaddset(&signals, signal);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    return Fd(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
}

std::string short_hostname() {
    char name[256] = "localhost";
    ::gethostname(name, sizeof name - 1);
    std::string host(name);
    return host.substr(0, host.find('.'));
}

/// Once for the whole system, not by each daemon.
void tell_what_is_missing(const Settings& settings) {
    sandbox::Kernel kernel = sandbox::probe();
    if (!settings.sandbox())
        log_warning("sandbox = no: daemons are not locked in");
    else if (kernel.landlock_abi == 0)
        log_info("this kernel has no Landlock: daemons are kept from files by their user alone");
    if (settings.sandbox() && !kernel.seccomp)
        log_info("this kernel has no seccomp: daemons may make any system call");
    if (::geteuid() != 0)
        log_info("not started by root: all daemons run as one user and see all its files");
}

}  // namespace

Master::Master(std::string directory, bool background)
    : directory_(std::move(directory)),
      background_(background),
      started_(loop_.now()),
      signals_(block_signals()) {}

Master::~Master() = default;

void Master::open_log(const Generation& generation) {
    Log::set_tag(generation.settings.syslog_name() + "/master");
    if (generation.log)
        Log::to_file(generation.log.duplicate(), short_hostname());
    else
        Log::to_syslog();
    if (background_ && generation.log) ::dup2(generation.log.get(), STDERR_FILENO);
    has_log_ = true;
}

Result<void> Master::start() {
    TRY(auto generation, Generation::read(directory_, generation_));
    const std::string& queue = generation->settings.queue_directory();
    if (::chdir(queue.c_str()) < 0) return system_error("queue_directory " + queue);
    ::umask(022);
    TRY_VOID(make_spool(generation->settings));
    TRY(auto pid_file, PidFile::take("pid/master.pid"));
    pid_file_ = std::make_unique<PidFile>(std::move(pid_file));
    TRY(lock_, lock_out_old_workers("pid/workers.lock", kWaitForOldWorkers));
    open_log(*generation);
    log_info("daemon started, configuration " + directory_);
    tell_what_is_missing(generation->settings);
    supervisor_ = std::make_unique<Supervisor>(scope_, lock_.get());
    certificates_.watch(generation->settings.certificate_files);
    TRY_VOID(supervisor_->apply(std::move(generation)));
    control_ = std::make_unique<Control>(
        scope_, [this](std::string word) { return answer(std::move(word)); });
    return control_->open("pid/control");
}

void Master::run(std::function<void(const std::string&)> up) {
    scope_.spawn(obey_signals());
    scope_.spawn(watch_certificates());
    scope_.spawn(announce(std::move(up)));
    loop_.run();
    ::unlink("pid/control");
}

Task<void> Master::announce(std::function<void(const std::string&)> up) {
    std::string missing = co_await supervisor_->wait_until_up(kStartLimit);
    if (!missing.empty()) log_warning("not up yet: " + missing);
    notify_systemd("READY=1\nSTATUS=" + (missing.empty() ? "running" : "failing: " + missing));
    up(missing);
}

Task<void> Master::obey_signals() {
    Readiness readiness(signals_.get());
    signalfd_siginfo info{};
    for (;;) {
        if (::read(signals_.get(), &info, sizeof info) < 0) {
            readiness.would_block(Readiness::read);
            co_await readiness.wait(Readiness::read, scope_);
        } else if (info.ssi_signo == SIGHUP) {
            reload();
        } else if (!stopping_) {
            scope_.spawn(stop());
        }
    }
}

/// A new certificate serves without anybody's doing; what is under way ends with the old one.
Task<void> Master::watch_certificates() {
    for (;;) {
        const Seconds interval = supervisor_->generation().settings.certificate_look();
        const Milliseconds pause = interval > Seconds(0) ? interval : kIdleLook;
        co_await Sleep(scope_, pause);
        if (interval == Seconds(0) || stopping_ || !certificates_.changed()) continue;
        log_info("TLS certificates have changed on disk");
        reload();
        // What cannot be loaded is not tried again before it changes once more.
        certificates_.watch(supervisor_->generation().settings.certificate_files);
    }
}

Task<std::string> Master::answer(std::string word) {
    if (word == "status") {
        std::string head =
            "master\t" + std::to_string(::getpid()) + "\t" +
            std::to_string(
                std::chrono::duration_cast<std::chrono::seconds>(loop_.now() - started_).count()) +
            "\t" + directory_ + "\n";
        std::string workers = co_await supervisor_->status();
        co_return head + workers;
    }
    if (word == "reload") co_return reload();
    if (word == "stop") {
        if (!stopping_) scope_.spawn(stop());
        // The asker waits for the end of the connection, and that is the end of this process.
        co_await forever_.wait(scope_);
    }
    co_return "unknown request\n";
}

/// What is wrong, or nothing.  The old configuration goes on until the new one is known to work.
std::string Master::reload() {
    if (stopping_) return "the mail system is stopping\n";
    notify_systemd(reloading_text());
    auto next = Generation::read(directory_, generation_ + 1);
    Result<void> applied;
    if (!next) {
        applied = std::unexpected(next.error());
    } else if ((*next)->settings.queue_directory() !=
               supervisor_->generation().settings.queue_directory()) {
        applied = permanent("queue_directory changed: stop and start instead");
    } else {
        applied = make_spool((*next)->settings);
        if (applied) open_log(**next);
        if (applied) applied = supervisor_->apply(std::move(*next));
    }
    notify_systemd("READY=1");
    if (!applied) {
        log_error("not reloaded: " + applied.error().text);
        return applied.error().text + "\n";
    }
    ++generation_;
    certificates_.watch(supervisor_->generation().settings.certificate_files);
    log_info("reload, configuration " + directory_);
    return std::string();
}

Task<void> Master::stop() {
    stopping_ = true;
    log_info("stopping");
    notify_systemd("STOPPING=1");
    adopt_orphans();
    co_await supervisor_->stop();
    // Brokers and nurseries end with their daemons, a moment later.
    if (!await_orphans(kOrphanLimit)) log_warning("processes that daemons started do not end");
    log_info("stopped");
    loop_.stop();
}

}  // namespace facteur::master
