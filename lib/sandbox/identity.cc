#include "lib/sandbox/identity.h"

#include <cerrno>
#include <optional>

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace facteur::sandbox {
namespace {

struct Ids {
    std::string name;
    uid_t uid;
    gid_t gid;
};

std::optional<Ids> find_user(const std::string& name) {
    const passwd* entry = ::getpwnam(name.c_str());
    if (!entry) return std::nullopt;
    return Ids{name, entry->pw_uid, entry->pw_gid};
}

Result<std::vector<gid_t>> current_groups() {
    std::vector<gid_t> groups(static_cast<std::size_t>(::getgroups(0, nullptr)));
    if (::getgroups(static_cast<int>(groups.size()), groups.data()) < 0)
        return system_error("getgroups");
    return groups;
}

/// The user's own groups and `extra`.  Done before chroot(2): it reads /etc/group.
Result<void> set_groups(const Ids& ids, const std::string& extra) {
    if (::initgroups(ids.name.c_str(), ids.gid) < 0) return system_error("initgroups");
    const group* entry = extra.empty() ? nullptr : ::getgrnam(extra.c_str());
    if (!entry) return {};
    TRY(auto groups, current_groups());
    groups.push_back(entry->gr_gid);
    if (::setgroups(groups.size(), groups.data()) < 0) return system_error("setgroups");
    return {};
}

/// setuid(2) with PR_SET_KEEPCAPS leaves the permitted set whole; this cuts it down to the list.
Result<void> keep_only(const std::vector<int>& capabilities) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    for (int capability : capabilities) {
        auto& set = sets[capability / 32];
        set.effective |= 1U << (capability % 32);
        set.permitted = set.effective;
    }
    if (::syscall(SYS_capset, &header, sets) < 0) return system_error("capset");
    return {};
}

Result<void> set_user(const Ids& ids, const std::vector<int>& capabilities) {
    if (!capabilities.empty() && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return system_error("prctl PR_SET_KEEPCAPS");
    if (::setgid(ids.gid) < 0) return system_error("setgid");
    if (::setuid(ids.uid) < 0) return system_error("setuid");
    if (!capabilities.empty()) {
        TRY_VOID(keep_only(capabilities));
    }
    // A way back to root would make all of this worthless.
    if (ids.uid != 0 && capabilities.empty() && ::setuid(0) == 0)
        return permanent("user " + ids.name + " could become root again");
    return {};
}

}  // namespace

Result<void> become(const Identity& identity) {
    if (!identity.directory.empty() && ::chdir(identity.directory.c_str()) < 0)
        return system_error("chdir " + identity.directory);
    if (::geteuid() != 0) return {};
    std::optional<Ids> ids;
    if (!identity.user.empty()) {
        ids = find_user(identity.user);
        if (!ids) return permanent("no such user: " + identity.user);
        TRY_VOID(set_groups(*ids, identity.group));
    }
    if (identity.chroot && ::chroot(".") < 0) return system_error("chroot " + identity.directory);
    if (ids) {
        TRY_VOID(set_user(*ids, identity.capabilities));
    }
    return {};
}

/// Many owners of mail are numbers in a passwd-file only; those have the one group.  Group 0 opens
/// much on some systems, so nobody's mail is read with it.
Result<void> become_owner(uid_t uid, gid_t gid) {
    if (uid == 0 || gid == 0) return permanent("root's mail is not served");
    const passwd* entry = ::getpwuid(uid);
    int known = entry ? ::initgroups(entry->pw_name, gid) : ::setgroups(1, &gid);
    if (known < 0) return system_error("setgroups");
    TRY(auto groups, current_groups());
    std::erase(groups, 0);
    if (::setgroups(groups.size(), groups.data()) < 0) return system_error("setgroups");
    if (::setresgid(gid, gid, gid) < 0) return system_error("setresgid");
    if (::setresuid(uid, uid, uid) < 0) return system_error("setresuid");
    // From one ordinary user to another the kernel leaves capabilities alone.
    TRY_VOID(keep_only({}));
    if (::setuid(0) == 0) return permanent("could become root again");
    return {};
}

}  // namespace facteur::sandbox
