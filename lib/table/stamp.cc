#include "lib/table/stamp.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"

namespace facteur::table {
namespace {

Stamp stamp(const struct stat& st) {
    return Stamp{st.st_dev, st.st_ino, st.st_mtim.tv_sec * 1000000000L + st.st_mtim.tv_nsec,
                 static_cast<std::uint64_t>(st.st_size)};
}

}  // namespace

std::optional<Stamp> Stamp::of(const std::string& path) {
    struct stat st {};
    if (stat(path.c_str(), &st) != 0) return std::nullopt;
    return stamp(st);
}

std::optional<Stamp> Stamp::of(int fd) {
    struct stat st {};
    if (fstat(fd, &st) != 0) return std::nullopt;
    return stamp(st);
}

}  // namespace facteur::table
