#include "lib/sandbox/sandbox.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/sandbox/landlock.h"

namespace facteur::sandbox {
namespace {

/// What the C library, OpenSSL and the resolver open behind everybody's back.
constexpr const char* kCommonReadable[] = {"/etc/hosts",
                                           "/etc/resolv.conf",
                                           "/etc/nsswitch.conf",
                                           "/etc/passwd",
                                           "/etc/group",
                                           "/etc/services",
                                           "/etc/protocols",
                                           "/etc/gai.conf",
                                           "/etc/host.conf",
                                           "/etc/localtime",
                                           "/etc/ld.so.cache",
                                           "/etc/ssl/openssl.cnf",
                                           "/etc/ssl/certs",
                                           "/usr/share/ca-certificates",
                                           "/usr/share/zoneinfo",
                                           "/usr/share/publicsuffix",
                                           "/lib",
                                           "/lib64",
                                           "/usr/lib",
                                           "/dev/urandom",
                                           "/proc/self",
                                           "/proc/sys",
                                           "/proc/cpuinfo",
                                           "/sys/devices/system/cpu",
                                           "/run/systemd/resolve"};

bool has_seccomp() {
    unsigned action = SECCOMP_RET_ERRNO;
    return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

}  // namespace

Kernel probe() {
    Kernel kernel;
    kernel.landlock_abi = landlock::abi();
    kernel.seccomp = has_seccomp();
    return kernel;
}

Sandbox::Sandbox(const Privileges& privileges, const Kernel& kernel)
    : privileges_(privileges), kernel_(kernel) {
    if (kernel_.landlock_abi == 0) return;
    auto ruleset = landlock::make_ruleset(kernel_.landlock_abi);
    if (!ruleset) {
        log_warning("sandbox: " + ruleset.error().text);
        kernel_.landlock_abi = 0;
        return;
    }
    ruleset_ = std::move(*ruleset);
    for (const char* path : kCommonReadable)
        allow(path, landlock::read_access());
    allow("/dev/null", landlock::write_access(kernel_.landlock_abi));
    for (const auto& path : privileges_.readable)
        allow(path, landlock::read_access());
    for (const auto& path : privileges_.writable)
        allow(path, landlock::write_access(kernel_.landlock_abi));
    for (const auto& path : privileges_.executable)
        allow(path, landlock::execute_access());
    // A program needs its interpreter and libraries, and may be a script that starts others.
    if (!privileges_.executable.empty())
        for (const char* path : {"/usr", "/bin", "/lib", "/lib64"})
            allow(path, landlock::execute_access());
}

void Sandbox::allow(const std::string& path, std::uint64_t access) {
    landlock::allow(ruleset_, path.c_str(), access);
}

Result<std::vector<std::string>> Sandbox::lock() const {
    std::vector<std::string> missing;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return system_error("PR_SET_NO_NEW_PRIVS");
    if (kernel_.landlock_abi == 0)
        missing.emplace_back("Landlock");
    else {
        TRY_VOID(landlock::restrict_self(ruleset_));
    }
    if (!kernel_.seccomp)
        missing.emplace_back("seccomp");
    else {
        TRY_VOID(filter_system_calls(privileges_));
    }
    return missing;
}

}  // namespace facteur::sandbox
