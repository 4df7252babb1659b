#include "lib/daemon/nursery_process.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/lock_in.h"
#include "lib/daemon/worker_process.h"
#include "lib/ipc/datagram.h"

namespace facteur::daemon {
namespace {

constexpr std::size_t kBirthLimit = 65536;

sigset_t child_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGCHLD);
    return set;
}

}  // namespace

Result<void> send_birth(int socket, const Birth& birth, const int (&fds)[kChildFds]) {
    std::string text = ipc::encode(birth);
    if (text.size() > kBirthLimit) return permanent("too many folders for one process");
    if (!ipc::send_datagram(socket, text, fds, MSG_DONTWAIT))
        return system_error("cannot start a process");
    return {};
}

NurseryProcess::NurseryProcess(Fd socket, const Description& description, const Settings& settings,
                               const Options& options, sandbox::Privileges privileges, Fd lock)
    : socket_(std::move(socket)),
      description_(description),
      settings_(settings),
      options_(options),
      privileges_(std::move(privileges)),
      lock_(std::move(lock)) {}

void NurseryProcess::run(const sandbox::Identity& identity) {
    Log::set_tag(settings_.syslog_name() + "/" + description_.name);  // with this process's number
    for (int signal : {SIGINT, SIGHUP, SIGTERM})
        std::signal(signal, SIG_IGN);  // NOLINT: it ends with its daemon
    sigset_t set = child_signals();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    children_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    sandbox::Privileges privileges = privileges_;
    // Each child locks itself in once more, behind fewer folders and calls.
    for (const char* call :
         {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp"})
        privileges.system_calls.emplace_back(call);
    lock_in(privileges, identity, settings_);
    pollfd waiting[2] = {{socket_.get(), POLLIN, 0}, {children_.get(), POLLIN, 0}};
    for (bool alive = true; alive;) {
        if (::poll(waiting, 2, -1) < 0) continue;  // EINTR
        if (waiting[1].revents) reap();
        if (waiting[0].revents) alive = receive();
    }
    std::exit(0);
}

bool NurseryProcess::receive() {
    auto datagram = ipc::receive_datagram(socket_.get(), kBirthLimit, MSG_DONTWAIT);
    if (!datagram) return true;
    if (datagram->end) return false;
    std::vector<Fd>& fds = datagram->fds;
    auto birth = ipc::decode<Birth>(datagram->bytes);
    if (!birth || fds.size() != kChildFds) {
        log_error("a process cannot be made from what the daemon said");
        return true;
    }
    give_birth(*birth, std::move(fds[0]), std::move(fds[1]));
    return true;
}

void NurseryProcess::give_birth(const Birth& birth, Fd control, Fd way) {
    pid_t child = ::fork();
    if (child == 0) live(birth, std::move(control), std::move(way));
    if (child < 0) log_error(system_error("fork").error().text);
}

/// In the child, to its end: a worker like all others whose master is the daemon.
void NurseryProcess::live(const Birth& birth, Fd control, Fd way) {
    socket_.reset();
    children_.reset();
    sigset_t set = child_signals();
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
    Log::set_tag(settings_.syslog_name() + "/" + description_.name);
    if (!privileges_.capabilities.empty()) {
        auto became = sandbox::become_owner(birth.uid, birth.gid);
        if (!became) log_fatal("uid " + std::to_string(birth.uid) + ": " + became.error().text);
    }
    sandbox::Privileges privileges = privileges_;
    privileges.capabilities.clear();
    if (!birth.folders.empty()) privileges.writable = birth.folders;
    Description self = description_;
    self.kind = Kind::sessions;
    self.make = [&](Process& process) {
        return description_.offspring->make(process, birth, std::move(way));
    };
    Inherited inherited;
    inherited.control = std::move(control);
    inherited.lock = std::move(lock_);
    WorkerProcess process(self, settings_, options_, std::move(inherited));
    process.make_service();
    lock_in(privileges, settings_);
    std::exit(process.run());
}

void NurseryProcess::reap() const {
    signalfd_siginfo told{};
    while (::read(children_.get(), &told, sizeof told) > 0) {
    }
    int status = 0;
    for (pid_t child = 0; (child = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        std::string who = "process " + std::to_string(child) + " ";
        if (WIFSIGNALED(status))
            log_warning(who + "killed by signal " + std::to_string(WTERMSIG(status)));
        else if (WEXITSTATUS(status) != 0)
            log_warning(who + "exit status " + std::to_string(WEXITSTATUS(status)));
    }
}

Nursery start_nursery(const Description& description, const Settings& settings,
                      const Options& options, sandbox::Privileges privileges,
                      const sandbox::Identity& identity, Inherited& inherited) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        log_fatal(system_error("socketpair").error().text);
    Fd ours(ends[0]);
    Fd its(ends[1]);
    // Started by an ordinary user, all of this runs as that user.
    if (::geteuid() != 0) privileges.capabilities.clear();
    bool privileged = !privileges.capabilities.empty();
    pid_t child = ::fork();
    if (child < 0) log_fatal(system_error("fork").error().text);
    if (child > 0) return Nursery(std::move(ours), privileged);
    // What is the daemon's alone must not live on here: its end is how others know it is gone.
    ours.reset();
    inherited.control.reset();
    inherited.listeners.clear();
    NurseryProcess nursery(std::move(its), description, settings, options, std::move(privileges),
                           std::move(inherited.lock));
    nursery.run(identity);
}

}  // namespace facteur::daemon
