#include "lib/store/maildir/files.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/base/fd.h"
#include "lib/base/read_file.h"
#include "lib/base/write_all.h"
#include "lib/store/index/index_file.h"

namespace facteur::store::maildir {

std::string read_file(const std::string& path, std::size_t limit) {
    std::string out;
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return out;
    std::array<char, 65536> block;
    while (out.size() < limit) {
        ssize_t got = ::read(fd.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        out.append(block.data(), static_cast<std::size_t>(got));
    }
    return out;
}

Result<std::string> read_optional(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::string();
    if (!fd) return system_error("open " + path);
    return read_to_end(fd.get());
}

Result<void> replace_file(const std::string& path, std::string_view text, unsigned mode) {
    std::string temporary_path = path + ".new";
    Fd fd(::open(temporary_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!fd) return system_error("create " + temporary_path);
    if (!write_all(fd.get(), text) || ::fdatasync(fd.get()) != 0 ||
        ::rename(temporary_path.c_str(), path.c_str()) != 0)
        return system_error("write " + path);
    return {};
}

bool is_directory(const std::string& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

Result<void> make_directories(const std::string& path, unsigned mode) {
    for (std::size_t at = 1; at != std::string::npos;) {
        at = path.find('/', at + 1);
        std::string upper = path.substr(0, at);
        if (::mkdir(upper.c_str(), mode) != 0 && errno != EEXIST && !is_directory(upper))
            return system_error("create " + upper);
    }
    return {};
}

namespace {

/// Read before main(): the sandbox hides /proc later.
const std::uint64_t kBootHash = [] {
    const char* given = ::getenv("FACTEUR_BOOT_ID");
    std::string id = given ? given : read_file("/proc/sys/kernel/random/boot_id", 100);
    // Without /proc every start counts as a new boot: UIDs jump, nothing is lost.
    if (id.empty()) return index::new_id();
    return std::uint64_t{crc32c(id)} | std::uint64_t{1} << 32;
}();

}  // namespace

std::uint64_t boot_hash() {
    return kBootHash;
}

}  // namespace facteur::store::maildir
