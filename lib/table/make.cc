#include "lib/table/make.h"

#include <cstdio>
#include <unordered_map>
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
    Result<void> replace(const std::string& source, bool inherit) {
        struct stat like {};
        if (!inherit) {
            if (chmod(temporary_.c_str(), 0644) != 0) return system_error("chmod " + temporary_);
            return take_place();
        }
        if (stat(target_.c_str(), &like) == 0 || stat(source.c_str(), &like) == 0) {
            if (chmod(temporary_.c_str(), like.st_mode & 07777) != 0)
                return system_error("chmod " + temporary_);
            if (geteuid() == 0 && chown(temporary_.c_str(), like.st_uid, like.st_gid) != 0)
                return system_error("chown " + temporary_);
        }
        return take_place();
    }

private:
    Result<void> take_place() {
        if (rename(temporary_.c_str(), target_.c_str()) != 0)
            return system_error("rename " + target_);
        temporary_.clear();
        return {};
    }

    std::string target_;
    std::string temporary_;
};

/// Puts entries into a new file.
class Making {
public:
    Making(Format format, DatabaseWriter& writer, const MakeWishes& wishes)
        : writer_(writer), wishes_(wishes) {
        // dict_cdb(3) of Postfix leaves the NUL out unless it is told otherwise.
        using Nul = MakeWishes::Nul;
        nul_ = wishes.nul == Nul::with || (wishes.nul == Nul::usual && format != Format::cdb);
    }
    Result<void> put(std::string_view key, std::string_view value) {
        return writer_.put(stored(key), stored(value));
    }
    std::string folded(std::string_view key) const {
        return wishes_.fold ? to_lower(key) : std::string(key);
    }

private:
    std::string stored(std::string_view text) const {
        std::string bytes(text);
        if (nul_) bytes += '\0';
        return bytes;
    }
    DatabaseWriter& writer_;
    const MakeWishes& wishes_;
    bool nul_;
};

/// entries, each key once: the first of equal ones, or the last.
struct Unique {
    std::vector<const Entry*> entries;
    std::vector<std::string> duplicates;
};
Unique unique(const std::vector<Entry>& entries, const Making& making, bool last_wins) {
    Unique found;
    std::unordered_map<std::string, std::size_t> places;
    for (const Entry& entry : entries) {
        const auto [place, is_new] =
            places.try_emplace(making.folded(entry.key), found.entries.size());
        if (is_new) {
            found.entries.push_back(&entry);
            continue;
        }
        found.duplicates.push_back(entry.key);
        if (last_wins) found.entries[place->second] = &entry;
    }
    return found;
}

Result<MakeResult> write_all(Format format, const std::string& name,
                             const std::vector<Entry>& entries, const MakeWishes& wishes) {
    NewFile file(database_path(format, name));
    TRY(auto writer, create_database(format, file.path()));
    Making making(format, *writer, wishes);
    Unique found = unique(entries, making, wishes.replace);
    bool has_marker = false;
    for (const Entry* entry : found.entries) {
        const std::string key = making.folded(entry->key);
        has_marker = has_marker || key == "@";
        TRY_VOID(making.put(key, entry->value));
    }
    if (wishes.aliases && !has_marker) {
        TRY_VOID(making.put("@", "@"));
    }
    TRY_VOID(writer->finish());
    TRY_VOID(file.replace(name, wishes.inherit_mode));
    return MakeResult{found.entries.size(), std::move(found.duplicates)};
}

}  // namespace

Result<MakeResult> make_database(Format format, const std::string& name,
                                 const std::vector<Entry>& entries, const MakeWishes& wishes) {
    const bool exists = Stamp::of(database_path(format, name)).has_value();
    if (!wishes.incremental || !exists) return write_all(format, name, entries, wishes);
    TRY(std::vector<Entry> all, list_database(format, name));
    all.insert(all.end(), entries.begin(), entries.end());
    return write_all(format, name, all, wishes);
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

Result<std::size_t> remove_from_database(Format format, const std::string& name,
                                         const std::vector<std::string>& keys,
                                         const MakeWishes& wishes) {
    TRY(std::vector<Entry> entries, list_database(format, name));
    std::unordered_set<std::string> gone;
    for (const std::string& key : keys)
        gone.insert(wishes.fold ? to_lower(key) : key);
    const auto removed =
        std::erase_if(entries, [&](const Entry& entry) { return gone.contains(entry.key); });
    if (removed == 0) return removed;
    MakeWishes as_it_is = wishes;
    as_it_is.fold = false;
    TRY(auto made, write_all(format, name, entries, as_it_is));
    return removed;
}

}  // namespace facteur::table
