#include "lib/store/flush.h"

#include <map>
#include <memory>
#include <mutex>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace facteur::store {
namespace {

/// One directory of each file system, kept open; a flush in progress shares it.
struct FileSystems {
    std::mutex mutex;
    std::map<std::uint64_t, std::shared_ptr<const Fd>> held;
    static FileSystems& instance() {
        static FileSystems all;
        return all;
    }
};

}  // namespace

Result<std::uint64_t> hold_file_system(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return system_error(path);
    FileSystems& all = FileSystems::instance();
    std::lock_guard guard(all.mutex);
    std::shared_ptr<const Fd>& slot = all.held[found.st_dev];
    if (slot) return found.st_dev;
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) {
        auto error = system_error("open " + path);
        all.held.erase(found.st_dev);
        return error;
    }
    slot = std::make_shared<const Fd>(std::move(fd));
    return found.st_dev;
}

void hold_file_system(std::uint64_t device, Fd directory) {
    FileSystems& all = FileSystems::instance();
    std::lock_guard guard(all.mutex);
    std::shared_ptr<const Fd>& slot = all.held[device];
    if (!slot) slot = std::make_shared<const Fd>(std::move(directory));
}

Fd held_file_system(std::uint64_t device) {
    FileSystems& all = FileSystems::instance();
    std::lock_guard guard(all.mutex);
    auto at = all.held.find(device);
    return at == all.held.end() ? Fd() : at->second->duplicate();
}

Result<void> flush_file_system(std::uint64_t device) {
    FileSystems& all = FileSystems::instance();
    std::shared_ptr<const Fd> fd;
    {
        std::lock_guard guard(all.mutex);
        if (auto at = all.held.find(device); at != all.held.end()) fd = at->second;
    }
    if (!fd) return {};
    if (::syncfs(fd->get()) != 0) return system_error("flush the file system of the mailboxes");
    return {};
}

}  // namespace facteur::store
