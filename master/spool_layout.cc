#include "master/spool_layout.h"

#include <cerrno>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"

namespace facteur::master {
namespace {

struct Ids {
    uid_t uid = 0;
    gid_t gid = 0;
};

Result<Ids> ids_of(const Folder& folder) {
    Ids ids;
    if (!folder.owner.empty()) {
        const passwd* user = ::getpwnam(folder.owner.c_str());
        if (!user)
            return permanent("no such user: " + folder.owner + "; make it with `useradd --system " +
                             folder.owner + "`");
        ids.uid = user->pw_uid;
        ids.gid = user->pw_gid;
    }
    if (!folder.group.empty()) {
        const group* entry = ::getgrnam(folder.group.c_str());
        if (!entry)
            return permanent("no such group: " + folder.group +
                             "; make it with `groupadd --system " + folder.group + "`");
        ids.gid = entry->gr_gid;
    }
    return ids;
}

/// Through a descriptor that is surely a folder: nobody can put a link in its place in between.
Result<void> repair(const Folder& folder) {
    const char* path = folder.path.c_str();
    if (::mkdir(path, 0700) < 0 && errno != EEXIST) return system_error("mkdir " + folder.path);
    Fd fd(::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return system_error("open " + folder.path);
    struct stat now {};
    if (::fstat(fd.get(), &now) < 0) return system_error("stat " + folder.path);
    if (::geteuid() == 0) {
        TRY(auto ids, ids_of(folder));
        if ((now.st_uid != ids.uid || now.st_gid != ids.gid) &&
            ::fchown(fd.get(), ids.uid, ids.gid) < 0)
            return system_error("chown " + folder.path);
    }
    if ((now.st_mode & 07777) != folder.mode && ::fchmod(fd.get(), folder.mode) < 0)
        return system_error("chmod " + folder.path);
    return {};
}

}  // namespace

std::vector<Folder> spool_folders(const Settings& settings) {
    const std::string& queue = settings.queue_owner();
    return {
        {".", "", "", 0755},
        {"pid", "", "", 0755},
        {"public", "", "", 0755},
        {"private", "", settings.private_group(), 0750},
        {"journal", queue, "", 0700},
        {"incoming", queue, "", 0700},
        {"deferred", queue, "", 0700},
        {"hold", queue, "", 0700},
        {"corrupt", queue, "", 0700},
        {"maildrop", queue, settings.setgid_group(), 01730},
        {"policy", settings.policy_owner(), "", 0700},
    };
}

Result<void> make_spool(const Settings& settings) {
    for (const Folder& folder : spool_folders(settings)) {
        TRY_VOID(repair(folder));
    }
    return {};
}

}  // namespace facteur::master
