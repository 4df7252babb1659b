#include "lib/store/maildir/expunged.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/files.h"

namespace facteur::store::maildir {
namespace {

constexpr std::string_view kDirectory = "/facteur.expunged";
constexpr std::string_view kInbox = "INBOX";
constexpr std::time_t kBetweenPurges = 24 * 60 * 60;

/// True once a day, for one process.
bool is_purge_due(const std::string& root) {
    const std::string marker = root + std::string(kDirectory) + "/.purged";
    struct stat found {};
    if (::stat(marker.c_str(), &found) == 0 && std::time(nullptr) - found.st_mtime < kBetweenPurges)
        return false;
    Fd touched(::open(marker.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return touched && ::futimens(touched.get(), nullptr) == 0;
}

/// "1700000000_1699….host:2,S" in its two parts.
bool take_apart(std::string_view file, Kept& kept) {
    const std::size_t line = file.find('_');
    if (line == std::string_view::npos) return false;
    auto when = parse_number(file.substr(0, line));
    if (!when) return false;
    kept.expunged = static_cast<std::int64_t>(*when);
    kept.name = file.substr(line + 1);
    return !kept.name.empty();
}

Result<void> list_folder(const std::string& dir, const std::string& folder,
                         std::vector<Kept>& out) {
    std::error_code failure;
    std::filesystem::directory_iterator entry(dir, failure);
    for (; entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
        Kept kept;
        kept.path = entry->path();
        kept.folder = folder;
        struct stat found {};
        if (!take_apart(entry->path().filename().native(), kept)) continue;
        if (::stat(kept.path.c_str(), &found) != 0) continue;
        kept.size = static_cast<std::uint64_t>(found.st_size);
        out.push_back(std::move(kept));
    }
    if (failure && failure != std::errc::no_such_file_or_directory)
        return temporary("read " + dir + ": " + failure.message());
    return {};
}

}  // namespace

std::int64_t keep_expunged(const std::vector<std::string>& settings) {
    constexpr std::string_view kName = "mail_expunged_keep_time=";
    std::int64_t seconds = 0;
    for (const std::string& setting : settings) {
        if (!setting.starts_with(kName)) continue;
        auto number = parse_number(std::string_view(setting).substr(kName.size()));
        seconds = number ? static_cast<std::int64_t>(*number) : 0;
    }
    return seconds;
}

std::string expunged_dir(const std::string& root, const std::string& dir) {
    std::string folder(kInbox);
    if (dir.size() > root.size()) folder = dir.substr(root.size() + 1);
    return root + std::string(kDirectory) + "/" + folder;
}

bool discard(const std::string& path, const FolderOptions& options) {
    if (options.expunged_dir.empty()) return ::unlink(path.c_str()) == 0;
    const std::string to = options.expunged_dir + "/" + std::to_string(std::time(nullptr)) + "_" +
                           path.substr(path.rfind('/') + 1);
    if (::rename(path.c_str(), to.c_str()) == 0) return true;
    if (errno != ENOENT) return ::unlink(path.c_str()) == 0;
    if (!make_directories(options.expunged_dir, options.dir_mode)) return false;
    const bool moved = ::rename(path.c_str(), to.c_str()) == 0;
    const std::string upper = options.expunged_dir.substr(0, options.expunged_dir.rfind('/'));
    const std::string root = upper.substr(0, upper.rfind('/'));
    if (is_purge_due(root)) purge_kept(root, std::time(nullptr) - options.keep_expunged);
    return moved;
}

Result<std::vector<Kept>> list_kept(const std::string& root) {
    std::vector<Kept> out;
    const std::string top = root + std::string(kDirectory);
    std::error_code failure;
    std::filesystem::directory_iterator entry(top, failure);
    for (; entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
        std::string folder = entry->path().filename();
        if (!is_directory(entry->path())) continue;
        if (folder == kInbox) folder.clear();
        TRY_VOID(list_folder(entry->path(), folder, out));
    }
    if (failure && failure != std::errc::no_such_file_or_directory)
        return temporary("read " + top + ": " + failure.message());
    std::sort(out.begin(), out.end(), [](const Kept& a, const Kept& b) {
        return a.expunged != b.expunged ? a.expunged < b.expunged : a.path < b.path;
    });
    return out;
}

Result<void> restore(const Kept& kept, const std::string& dir) {
    const FileName name = parse_file_name(kept.name);
    const auto flags = static_cast<std::uint8_t>(flags_of(name.letters) & ~unsigned{deleted});
    // Without ,U=: the UID that it had is never given again.
    const std::string to = dir + "/cur/" + message_key(kept.name) +
                           info_suffix(flags, keywords_of(name.letters), name.letters);
    if (::link(kept.path.c_str(), to.c_str()) != 0 && errno != EEXIST)
        return system_error("restore " + to);
    if (::unlink(kept.path.c_str()) != 0) return system_error("remove " + kept.path);
    return {};
}

std::size_t purge_kept(const std::string& root, std::int64_t before) {
    auto kept = list_kept(root);
    if (!kept) {
        log_warning(kept.error().text);
        return 0;
    }
    std::size_t gone = 0;
    for (const Kept& one : *kept) {
        if (one.expunged >= before) break;
        if (::unlink(one.path.c_str()) == 0) ++gone;
    }
    return gone;
}

}  // namespace facteur::store::maildir
