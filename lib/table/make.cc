#include "lib/table/make.h"

#include <cstdio>
#include <unordered_set>

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/text.h"

namespace facteur::table {
namespace {

/// The file that is being made, beside the one it will replace; removed unless it took its place.
class NewFile {
public:
    explicit NewFile(std::string target) : target_(std::move(target)) {
        temporary_ = target_ + ".tmp" + std::to_string(getpid());
        unlink(temporary_.c_str());
    }
    ~NewFile() {
        if (!temporary_.empty()) unlink(temporary_.c_str());
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    const std::string& path() const { return temporary_; }

    // The order matters: the content is on disk before the name points to it.
    Result<void> replace(const std::string& source) {
        struct stat like {};
        if (stat(target_.c_str(), &like) == 0 || stat(source.c_str(), &like) == 0) {
            if (chmod(temporary_.c_str(), like.st_mode & 07777) != 0)
                return system_error("chmod " + temporary_);
            if (geteuid() == 0 && chown(temporary_.c_str(), like.st_uid, like.st_gid) != 0)
                return system_error("chown " + temporary_);
        }
        if (rename(temporary_.c_str(), target_.c_str()) != 0)
            return system_error("rename " + target_);
        temporary_.clear();
        return {};
    }

private:
    std::string target_;
    std::string temporary_;
};

std::string stored(std::string_view text) {
    std::string bytes(text);
    bytes += '\0';
    return bytes;
}

Result<MakeResult> write_all(Format format, const std::string& name,
                             const std::vector<Entry>& entries, bool aliases) {
    NewFile file(database_path(format, name));
    TRY(auto writer, create_database(format, file.path()));
    MakeResult result;
    std::unordered_set<std::string> seen;
    for (const Entry& entry : entries) {
        std::string key = to_lower(entry.key);
        if (!seen.insert(key).second) {
            result.duplicates.push_back(entry.key);
            continue;
        }
        TRY_VOID(writer->put(stored(key), stored(entry.value)));
        ++result.entries;
    }
    if (aliases) {
        TRY_VOID(writer->put(stored("@"), stored("@")));
    }
    TRY_VOID(writer->finish());
    TRY_VOID(file.replace(name));
    return result;
}

}  // namespace

Result<MakeResult> make_database(Format format, const std::string& name,
                                 const std::vector<Entry>& entries, bool aliases) {
    return write_all(format, name, entries, aliases);
}

Result<std::vector<Entry>> list_database(Format format, const std::string& name) {
    const std::string path = database_path(format, name);
    if (!Stamp::of(path)) return system_error("open database " + path);
    TRY(auto database, open_database(format, path));
    flock(database->fd(), LOCK_SH);
    std::vector<Entry> entries;
    TRY_VOID(database->each([&](std::string_view key, std::string_view value) {
        if (key.ends_with('\0')) key.remove_suffix(1);
        if (value.ends_with('\0')) value.remove_suffix(1);
        entries.push_back(Entry{std::string(key), std::string(value), 0});
    }));
    return entries;
}

Result<std::size_t> change_database(Format format, const std::string& name,
                                    const std::vector<Entry>& put,
                                    const std::vector<std::string>& remove) {
    std::vector<Entry> entries;
    const bool exists = Stamp::of(database_path(format, name)).has_value();
    if (exists || put.empty()) {
        TRY(entries, list_database(format, name));
    }
    std::unordered_set<std::string> gone;
    for (const std::string& key : remove)
        gone.insert(to_lower(key));
    for (const Entry& entry : put)
        gone.insert(to_lower(entry.key));
    const std::size_t before = entries.size();
    std::erase_if(entries, [&](const Entry& entry) { return gone.contains(to_lower(entry.key)); });
    const std::size_t removed = before - entries.size();
    entries.insert(entries.end(), put.begin(), put.end());
    TRY(auto made, write_all(format, name, entries, false));
    return removed;
}

}  // namespace facteur::table
