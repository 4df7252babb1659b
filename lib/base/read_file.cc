#include "lib/base/read_file.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/fd.h"

namespace facteur {

Result<std::string> read_to_end(int fd, std::size_t limit) {
    std::string text;
    char block[16384];
    for (;;) {
        ssize_t got = ::read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("read");
        if (got == 0) return text;
        text.append(block, static_cast<std::size_t>(got));
        if (text.size() > limit) return permanent("more than " + std::to_string(limit) + " bytes");
    }
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return system_error("open " + path);
    auto text = read_to_end(fd.get(), limit);
    if (!text) text.error().text = path + ": " + text.error().text;
    return text;
}

}  // namespace facteur
