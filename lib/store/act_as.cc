#include "lib/store/act_as.h"

#include <sys/fsuid.h>
#include <unistd.h>

namespace facteur::store {

ActAs::ActAs(const std::optional<Owner>& owner) {
    if (!owner || owner->uid == ::geteuid()) return;
    changed_ = true;
    // The group first: without CAP_SETGID it stays ours, and the files will say so.
    ::setfsgid(owner->gid);
    ::setfsuid(owner->uid);
}

ActAs::~ActAs() {
    if (!changed_) return;
    ::setfsuid(::geteuid());
    ::setfsgid(::getegid());
}

}  // namespace facteur::store
