#include "lib/sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/log.h"

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)  // ABI 3, Linux 6.2
#endif

namespace facteur::sandbox::landlock {
namespace {

/// What may be asked for one file that is no folder.
constexpr std::uint64_t kFileRights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                      LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;

std::uint64_t all_rights(int abi) {
    return read_access() | write_access(abi) | execute_access() | LANDLOCK_ACCESS_FS_MAKE_CHAR |
           LANDLOCK_ACCESS_FS_MAKE_BLOCK;
}

}  // namespace

int abi() {
    long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? static_cast<int>(version) : 0;
}

std::uint64_t read_access() {
    return LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
}

std::uint64_t write_access(int abi) {
    std::uint64_t access =
        read_access() | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
        LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
        LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM;
    if (abi >= 2) access |= LANDLOCK_ACCESS_FS_REFER;  // rename(2) and link(2) between folders
    if (abi >= 3) access |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return access;
}

std::uint64_t execute_access() {
    return LANDLOCK_ACCESS_FS_EXECUTE | read_access();
}

Result<Fd> make_ruleset(int abi) {
    landlock_ruleset_attr attributes{};
    attributes.handled_access_fs = all_rights(abi);
    auto fd = ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (fd < 0) return system_error("landlock_create_ruleset");
    return Fd(static_cast<int>(fd));
}

void allow(const Fd& ruleset, const char* path, std::uint64_t access) {
    Fd parent(::open(path, O_PATH | O_CLOEXEC));
    if (!parent) return;
    struct stat info {};
    if (::fstat(parent.get(), &info) < 0) return;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = S_ISDIR(info.st_mode) ? access : access & kFileRights;
    rule.parent_fd = parent.get();
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        log_warning(system_error(std::string("landlock_add_rule ") + path).error().text);
}

Result<void> restrict_self(const Fd& ruleset) {
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) < 0)
        return system_error("landlock_restrict_self");
    return {};
}

}  // namespace facteur::sandbox::landlock
