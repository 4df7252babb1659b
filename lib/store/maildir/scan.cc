#include "lib/store/maildir/scan.h"

#include <cerrno>
#include <ctime>
#include <memory>

#include <dirent.h>
#include <sys/stat.h>

#include "lib/store/maildir/file_name.h"

namespace facteur::store::maildir {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// A change that comes in the same tick as the reading would not move the mtime: do not rely on
/// an mtime that is younger than the file system's tick.
std::int64_t settled(std::int64_t mtime) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::int64_t age = now.tv_sec * kSecond + now.tv_nsec - mtime;
    std::int64_t tick = mtime % kSecond == 0 ? 2 * kSecond : kSecond / 50;
    return age > tick ? mtime : 0;
}

}  // namespace

std::int64_t directory_mtime(const std::string& dir, index::Entry::Place place) {
    struct stat found {};
    std::string path = dir + "/" + std::string(place_name(place));
    if (::stat(path.c_str(), &found) != 0) return 0;
    return found.st_mtim.tv_sec * kSecond + found.st_mtim.tv_nsec;
}

Result<void> list_directory(const std::string& dir, index::Entry::Place place, Listing& listing) {
    std::string path = dir + "/" + std::string(place_name(place));
    std::int64_t mtime = settled(directory_mtime(dir, place));
    auto close = [](DIR* open) { ::closedir(open); };
    std::unique_ptr<DIR, decltype(close)> open(::opendir(path.c_str()), close);
    if (!open) {
        if (errno == ENOENT) return permanent("no such mailbox", "5.1.1");
        return system_error("open " + path);
    }
    errno = 0;
    while (const dirent* entry = ::readdir(open.get())) {
        std::string name = entry->d_name;
        if (name.starts_with('.') || entry->d_type == DT_DIR) continue;
        std::string key = message_key(name);
        Listed file{std::move(name), place, false};
        auto [at, fresh] = listing.files.try_emplace(std::move(key), file);
        // The same name twice is one file that was renamed while we read.
        if (!fresh && at->second.name != file.name) listing.duplicates.push_back(std::move(file));
        errno = 0;
    }
    if (errno != 0) return system_error("read " + path);
    (place == index::Entry::in_new ? listing.has_new : listing.has_cur) = true;
    (place == index::Entry::in_new ? listing.new_mtime : listing.cur_mtime) = mtime;
    return {};
}

}  // namespace facteur::store::maildir
