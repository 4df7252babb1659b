#include <cerrno>
#include <memory>

#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "lib/sandbox/sandbox.h"

namespace facteur::sandbox {
namespace {

/// What every daemon may call.  Missing on purpose: everything that loads code into the kernel,
/// mounts, traces, makes namespaces, changes the clock, keys, quotas or another process.
constexpr const char* kCommonCalls[] = {
    // memory, threads, time
    "brk", "mmap", "mmap2", "munmap", "mprotect", "mremap", "madvise", "mincore", "msync", "mlock",
    "mlock2", "munlock", "membarrier", "memfd_create", "futex", "futex_waitv", "get_robust_list",
    "set_robust_list", "set_tid_address", "rseq", "sched_yield", "sched_getaffinity",
    "sched_getparam", "sched_getscheduler", "sched_setscheduler", "getcpu", "arch_prctl", "prctl",
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "times", "timerfd_create", "timerfd_settime", "timerfd_gettime", "timer_create",
    "timer_settime", "timer_delete", "setitimer", "getitimer", "alarm", "exit", "exit_group",
    "wait4", "waitid", "vfork", "fork", "restart_syscall", "getrandom", "uname", "sysinfo",
    "getrusage", "getrlimit", "prlimit64", "setrlimit", "getpriority", "setpriority", "ioprio_get",
    // who am I
    "getpid", "getppid", "gettid", "getpgid", "getpgrp", "setpgid", "getsid", "setsid", "getuid",
    "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "capget", "umask",
    // signals
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend",
    "rt_sigtimedwait", "sigaltstack", "signalfd4", "kill", "tgkill", "pause",
    // descriptors
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
    "pwritev2", "lseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "flock", "ioctl",
    "pipe", "pipe2", "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1",
    "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "inotify_init1",
    "inotify_add_watch", "inotify_rm_watch", "sendfile", "splice", "tee", "copy_file_range",
    "fsync", "fdatasync", "syncfs", "sync_file_range", "fallocate", "ftruncate", "fadvise64",
    "readahead",
    // files
    "open", "openat", "openat2", "creat", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs",
    "fstatfs", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents",
    "getdents64", "getcwd", "chdir", "fchdir", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat",
    "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "truncate",
    "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "lchown", "utime", "utimes",
    "utimensat", "futimesat", "mknod", "mknodat", "getxattr", "lgetxattr", "fgetxattr",
    // sockets that exist already
    "accept", "accept4", "bind", "connect", "listen", "getsockname", "getpeername", "getsockopt",
    "setsockopt", "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg",
    "recvmmsg", "shutdown", "socketpair",
    // shared memory of libraries
    "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl", "semtimedop"};

struct Release {
    void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

/// One rule; a call that this architecture does not know needs none.
bool allow_call(const Filter& filter, const char* name) {
    int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return false;
    int status = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0);
    return status == 0 || status == -EDOM || status == -EEXIST;
}

void allow_family(const Filter& filter, int family) {
    ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                       SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
}

void allow_sockets(const Filter& filter, Network network) {
    if (network == Network::none) return;
    allow_family(filter, AF_UNIX);
    if (network == Network::unix_only) return;
    allow_family(filter, AF_INET);
    allow_family(filter, AF_INET6);
    allow_family(filter, AF_NETLINK);  // getaddrinfo(3) asks which addresses this host has
}

/// Threads and fork, but no new namespaces: they open much of the kernel to an ordinary user.
/// clone3 hides its flags in memory, where a filter cannot look; ENOSYS makes glibc use clone.
void allow_clone(const Filter& filter) {
    constexpr scmp_datum_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                        CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                       SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces, 0));
    ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

}  // namespace

Result<void> filter_system_calls(const Privileges& privileges) {
    Filter filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!filter) return temporary("out of memory for the seccomp filter");
    ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_LOG, 1);
    ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
    ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree, not a list
    for (const char* name : kCommonCalls)
        allow_call(filter, name);
    for (const auto& name : privileges.system_calls)
        if (!allow_call(filter, name.c_str()))
            return permanent("seccomp: unknown system call " + name);
    if (!privileges.executable.empty())
        for (const char* name : {"execve", "execveat"})
            allow_call(filter, name);
    if (!privileges.capabilities.empty())
        for (const char* name : {"setresuid", "setresgid", "setuid", "setgid", "setreuid",
                                 "setregid", "setgroups", "setfsuid", "setfsgid", "capset"})
            allow_call(filter, name);
    allow_sockets(filter, privileges.network);
    allow_clone(filter);
    int status = ::seccomp_load(filter.get());
    if (status < 0) {
        errno = -status;
        return system_error("seccomp_load");
    }
    return {};
}

}  // namespace facteur::sandbox
