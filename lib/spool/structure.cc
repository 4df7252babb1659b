#include "lib/spool/structure.h"

#include <algorithm>

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/spool/message_file.h"
#include "lib/spool/queue_file.h"
#include "lib/spool/queue_id.h"

namespace facteur::spool {
namespace {

constexpr std::int64_t kUnfinished = 24 * 3600;

bool is_folder(const std::string& path) {
    struct stat st {};
    return ::lstat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

/// The files in and below a folder of the queue, but for names that begin with a dot.
std::vector<std::string> files_below(const std::string& top) {
    std::vector<std::string> paths;
    for (const std::string& name : names_in(top)) {
        if (name.starts_with('.')) continue;
        const std::string path = top + "/" + name;
        if (!is_folder(path)) {
            paths.push_back(path);
            continue;
        }
        for (const std::string& below : names_in(path)) {
            if (!below.starts_with('.')) paths.push_back(path + "/" + below);
        }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

/// The name that a queue file bears inside.
Result<std::string> own_name(const std::string& path) {
    TRY(Fd fd, open_to_read(path));
    auto head = read_exactly(fd.get(), 0, kContentOffset);
    if (!head) return permanent("not a queue file");
    TRY(FileHeader header, decode_file_header(*head));
    return header.id;
}

/// What root has made or restored belongs to the owner of the queue.
void give_to_owner(const std::string& path) {
    struct stat st {};
    if (::geteuid() != 0 || ::stat("deferred", &st) != 0) return;
    (void)!::lchown(path.c_str(), st.st_uid, st.st_gid);  // a failure shows when it is read
}

Result<void> condemn_file(Files& files, const std::string& path, Structure& found) {
    std::string to = "corrupt/" + path.substr(path.rfind('/') + 1);
    for (int n = 1; state_of(to).size >= 0; ++n)
        to = "corrupt/" + path.substr(path.rfind('/') + 1) + "." + std::to_string(n);
    TRY_VOID(move_file(files, path, to));
    ++found.condemned;
    return {};
}

Result<void> mend(Files& files, const std::string& path, bool held, Structure& found,
                  const std::function<void(const std::string&)>& complain) {
    const std::string name = path.substr(path.rfind('/') + 1);
    // Each file of a large queue is only looked into when its name or its place is wrong.
    const bool in_place =
        is_queue_id(name) && path == (held ? hold_path(name) : deferred_path(name));
    if (in_place) return {};
    Result<std::string> id = own_name(path);
    if (!id && id.error().is_temporary()) {
        complain(path + ": " + id.error().text);
        return {};
    }
    if (!id) {
        complain(path + ": " + id.error().text + ": moved to corrupt/");
        return condemn_file(files, path, found);
    }
    for (const std::string& taken : {hold_path(*id), deferred_path(*id)}) {
        if (taken == path || state_of(taken).size < 0) continue;
        complain(path + ": its place is taken by " + taken);
        return {};
    }
    const std::string to = held ? hold_path(*id) : deferred_path(*id);
    TRY_VOID(move_file(files, path, to));
    give_to_owner(folder_of(to));
    give_to_owner(to);
    found.moved.push_back(*std::move(id));
    return {};
}

/// What begins with a dot in this folder and is old.
Result<void> purge_folder(Files& files, const std::string& folder, std::int64_t now,
                          Structure& found) {
    for (const std::string& name : names_in(folder)) {
        const std::string path = folder + "/" + name;
        const bool unfinished = name.starts_with('.') && is_queue_id(name.substr(1));
        if (!unfinished || state_of(path).changed > now - kUnfinished) continue;
        TRY_VOID(files.remove(path));
        ++found.purged;
    }
    return {};
}

}  // namespace

Result<void> mend_structure(Files& files, Structure& found,
                            const std::function<void(const std::string&)>& complain) {
    for (const bool held : {false, true}) {
        for (const std::string& path : files_below(held ? "hold" : "deferred")) {
            TRY_VOID(mend(files, path, held, found, complain));
        }
    }
    return {};
}

Result<void> purge_unfinished(Files& files, Structure& found) {
    const auto now = static_cast<std::int64_t>(::time(nullptr));
    for (const std::string& folder : names_in("deferred")) {
        TRY_VOID(purge_folder(files, "deferred/" + folder, now, found));
    }
    for (const char* folder : {"hold", "maildrop"}) {
        TRY_VOID(purge_folder(files, folder, now, found));
    }
    for (const std::string& name : names_in("incoming")) {
        TRY_VOID(remove_if_abandoned(files, name));
        if (state_of(incoming_path(name)).size < 0) ++found.purged;
    }
    return {};
}

}  // namespace facteur::spool
