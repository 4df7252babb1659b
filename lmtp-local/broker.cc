#include "lmtp-local/broker.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <initializer_list>
#include <set>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/log_descriptor.h"
#include "lib/ipc/datagram.h"
#include "lmtp-local/hand.h"

namespace facteur::lmtp_local {
namespace {

/// A select(2) in a command must not meet descriptors above this.
constexpr rlim_t kDescriptors = 1024;

sigset_t child_signal() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGCHLD);
    return set;
}

/// All descriptors but these and the standard ones: listening sockets and the line to master
/// would tell others that lmtp-local lives.
void close_others(int keep, int log) {
    int first = 3;
    for (int fd : {std::min(keep, log), std::max(keep, log)}) {
        if (fd < first) continue;
        if (fd > first)
            ::close_range(static_cast<unsigned>(first), static_cast<unsigned>(fd - 1), 0);
        first = fd + 1;
    }
    ::close_range(static_cast<unsigned>(first), ~0U, 0);
}

bool keep_capabilities(std::initializer_list<int> capabilities) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    for (int capability : capabilities)
        sets[0].effective |= 1U << capability;
    sets[0].permitted = sets[0].effective;
    return ::syscall(SYS_capset, &header, sets) == 0;
}

/// Never root, in any way: mail is written by strangers.
bool become(const Identity& who) {
    if (who.uid == 0 || who.gid == 0) return false;
    gid_t extra = who.extra_gid;
    if (::setgroups(extra ? 1 : 0, &extra) != 0) return false;
    if (::setresgid(who.gid, who.gid, who.gid) != 0) return false;
    return ::setresuid(who.uid, who.uid, who.uid) == 0;
}

/// A hand has no capability and no way back.
bool become_for_good(const Identity& who) {
    return become(who) && keep_capabilities({}) && ::setuid(0) != 0;
}

/// The broker is no more root than its hands are: it may become others, and end them.
bool become_broker(const Identity& who) {
    return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && become(who) &&
           keep_capabilities({CAP_SETUID, CAP_SETGID, CAP_KILL});
}

class Process {
public:
    Process(Fd socket, const std::optional<Identity>& owner, std::string root)
        : socket_(std::move(socket)), owner_(owner), root_(std::move(root)) {}

    [[noreturn]] void run() {
        if (!root_.empty() && (::chroot(root_.c_str()) != 0 || ::chdir("/") != 0)) {
            log_error(system_error("change root to " + root_).error().text);
            ::_exit(1);
        }
        close_others(socket_.get(), log_descriptor());
        if (log_descriptor() < 0) ::closelog();
        ::prctl(PR_SET_NAME, "lmtp-broker");
        for (int signal : {SIGINT, SIGHUP, SIGTERM, SIGPIPE})
            std::signal(signal, SIG_IGN);  // NOLINT: it ends with lmtp-local
        sigset_t set = child_signal();
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        children_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
        if (owner_ && !become_broker(*owner_)) ::_exit(1);
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = std::min(limit.rlim_max, kDescriptors);
        ::setrlimit(RLIMIT_NOFILE, &limit);
        pollfd waiting[2] = {{socket_.get(), POLLIN, 0}, {children_.get(), POLLIN, 0}};
        for (bool alive = true; alive;) {
            if (::poll(waiting, 2, -1) < 0) continue;  // EINTR
            if (waiting[1].revents) reap();
            if (waiting[0].revents) alive = obey();
        }
        wait_for_hands();
        for (pid_t hand : hands_)
            ::kill(hand, SIGKILL);
        ::_exit(0);
    }

private:
    bool obey() {
        auto datagram = ipc::receive_datagram(socket_.get(), sizeof(Identity));
        if (!datagram) return true;
        if (datagram->end) return false;
        Identity who;
        if (datagram->bytes.size() != sizeof who || datagram->fds.empty()) return true;
        std::memcpy(&who, datagram->bytes.data(), sizeof who);
        pid_t child = ::fork();
        if (child == 0) begin(who, datagram->take_fd());
        if (child > 0) hands_.insert(child);
        return true;
    }
    [[noreturn]] void begin(const Identity& who, Fd task_socket) {
        socket_.reset();
        children_.reset();
        sigset_t set = child_signal();
        ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
        ::prctl(PR_SET_NAME, "lmtp-hand");
        const bool is_us = who.uid == ::geteuid() && who.gid == ::getegid();
        const bool is_who = owner_ ? become_for_good(who) : is_us;
        if (!is_who) ::_exit(1);
        ::umask(077);
        serve_tasks(std::move(task_socket));
        ::_exit(0);
    }
    /// Hands whose socket has ended kill their command with its children, then end: they get a
    /// moment for it.
    void wait_for_hands() {
        using Clock = std::chrono::steady_clock;
        const auto deadline = Clock::now() + std::chrono::milliseconds(500);
        pollfd waiting{children_.get(), POLLIN, 0};
        reap();
        while (!hands_.empty()) {
            auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
            if (left.count() <= 0) return;
            if (::poll(&waiting, 1, static_cast<int>(left.count())) > 0) reap();
        }
    }
    void reap() {
        signalfd_siginfo told{};
        while (::read(children_.get(), &told, sizeof told) > 0) {
        }
        for (pid_t child = 0; (child = ::waitpid(-1, nullptr, WNOHANG)) > 0;)
            hands_.erase(child);
    }

    Fd socket_;
    Fd children_;  ///< signalfd for SIGCHLD
    const std::optional<Identity> owner_;
    const std::string root_;
    std::set<pid_t> hands_;  ///< not reaped: their numbers are still theirs
};

}  // namespace

Result<Broker> Broker::start(const std::optional<Identity>& owner, const std::string& root) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return system_error("socketpair");
    Fd ours(ends[0]);
    Fd its(ends[1]);
    pid_t child = ::fork();
    if (child < 0) return system_error("fork");
    if (child == 0) {
        ours.reset();
        Process(std::move(its), owner, root).run();
    }
    return Broker(std::move(ours), owner.has_value());
}

Result<Fd> Broker::hand(const Identity& identity) const {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return system_error("socketpair");
    Fd ours(ends[0]);
    Fd its(ends[1]);
    std::string_view bytes(reinterpret_cast<const char*>(&identity), sizeof identity);
    if (!ipc::send_datagram(socket_.get(), bytes, its.get()))
        return system_error("cannot start a process for uid " + std::to_string(identity.uid));
    int flags = ::fcntl(ours.get(), F_GETFL);
    if (flags < 0 || ::fcntl(ours.get(), F_SETFL, flags | O_NONBLOCK) < 0)
        return system_error("fcntl");
    return ours;
}

}  // namespace facteur::lmtp_local
