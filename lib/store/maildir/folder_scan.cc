#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/store/maildir/expunged.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/folder.h"

namespace facteur::store::maildir {
namespace {

std::string file_path(const std::string& dir, const Listed& file) {
    return dir + "/" + std::string(place_name(file.place)) + "/" + file.name;
}

bool exists(const std::string& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0;
}

/// ":2,FS" and the like, or nothing.
std::string_view info_of(std::string_view name) {
    std::size_t colon = name.find(':');
    return colon == std::string_view::npos ? std::string_view() : name.substr(colon);
}

/// The UIDs that two arrivals want belong to neither, unless another server's list says so.
void drop_contested(std::vector<std::uint32_t>& wanted) {
    std::sort(wanted.begin(), wanted.end());
    std::vector<std::uint32_t> contested;
    for (std::size_t i = 1; i < wanted.size(); ++i) {
        if (wanted[i] == wanted[i - 1]) contested.push_back(wanted[i]);
    }
    wanted = std::move(contested);
}

}  // namespace

/// Reads the directories that changed and takes over what other programs did there.
Result<void> Folder::scan(bool force) {
    Listing listing;
    if (force || directory_mtime(dir_, index::Entry::in_new) != state_.new_mtime()) {
        TRY_VOID(list_directory(dir_, index::Entry::in_new, listing));
    }
    if (force || directory_mtime(dir_, index::Entry::in_cur) != state_.cur_mtime()) {
        TRY_VOID(list_directory(dir_, index::Entry::in_cur, listing));
    }
    if (!listing.has_new && !listing.has_cur) return {};
    TRY_VOID(match(listing));
    TRY(std::vector<Arrival> found, arrivals(listing, Legacy()));
    constexpr std::uint32_t kMostAhead = 1'000'000;  // a stray ,U= must not use up all UIDs
    if (!found.empty()) {
        std::vector<Arrival> wanted;
        std::vector<Arrival> rest;
        for (Arrival& arrival : found)
            (arrival.wanted ? wanted : rest).push_back(std::move(arrival));
        std::uint32_t cap = state_.next_uid() > 0xffffffff - kMostAhead
                                ? 0xffffffff
                                : state_.next_uid() + kMostAhead;
        TRY_VOID(adopt(std::move(wanted), cap, false));
        TRY_VOID(adopt(std::move(rest), 0, false));
    }
    return note_scan(listing);
}

Result<void> Folder::note_scan(const Listing& listing) {
    index::Scanned scanned;
    scanned.new_mtime = listing.has_new ? listing.new_mtime : state_.new_mtime();
    scanned.cur_mtime = listing.has_cur ? listing.cur_mtime : state_.cur_mtime();
    index::RecordWriter records = writer();
    if (listing.has_new && listing.has_cur && !state_.leftovers().empty()) records.add_unlinked();
    if (scanned.new_mtime != state_.new_mtime() || scanned.cur_mtime != state_.cur_mtime())
        records.add(scanned);
    return commit(records);
}

/// A file that the index knows under this or an older name.
void Folder::compare(const index::Entry& entry, const Listed& file, index::RecordWriter& records) {
    std::string_view name = state_.name(entry);
    if (name == file.name && entry.place == file.place) return;
    records.add(index::Renamed{entry.uid, file.place, file.name});
    std::string_view before = parse_file_name(name).letters;
    std::string_view after = parse_file_name(file.name).letters;
    if (before == after) return;
    // What changed in the name is what another program did; our own changes that have not
    // reached the name yet are left alone.
    index::FlagsChanged change;
    change.add = flags_of(after) & static_cast<std::uint8_t>(~flags_of(before));
    change.remove = flags_of(before) & static_cast<std::uint8_t>(~flags_of(after));
    change.add_keywords = keywords_of(after) & ~keywords_of(before);
    change.remove_keywords = keywords_of(before) & ~keywords_of(after);
    auto flags = static_cast<std::uint8_t>((entry.flags | change.add) & ~change.remove);
    std::uint64_t keywords = (entry.keywords | change.add_keywords) & ~change.remove_keywords;
    if (flags == entry.flags && keywords == entry.keywords) return;
    change.modseq = state_.modseq() + 1;
    change.uids = {{entry.uid, entry.uid}};
    records.add(change);
}

/// Marks the files that are known and returns the UIDs without a file.
Result<std::vector<std::uint32_t>> Folder::match_once(Listing& listing,
                                                      index::RecordWriter& records) {
    std::vector<std::uint32_t> missing;
    state_.each([&](const index::Entry& entry) {
        auto at = listing.files.find(message_key(state_.name(entry)));
        if (at != listing.files.end()) {
            at->second.known = true;
            compare(entry, at->second, records);
        } else if (entry.place == index::Entry::in_new ? listing.has_new : listing.has_cur) {
            missing.push_back(entry.uid);
        }
    });
    return missing;
}

Result<void> Folder::match(Listing& listing) {
    index::RecordWriter records = writer();
    TRY(auto missing, match_once(listing, records));
    if (!missing.empty()) {
        // Moved to the directory that was not read, or renamed while we read: look again.
        Listing again;
        TRY_VOID(list_directory(dir_, index::Entry::in_new, again));
        TRY_VOID(list_directory(dir_, index::Entry::in_cur, again));
        listing = std::move(again);
        records = writer();
        TRY(missing, match_once(listing, records));
    }
    TRY_VOID(commit(records));
    if (missing.empty()) return {};
    index::Expunge expunge;
    expunge.modseq = state_.modseq() + 1;
    expunge.reason = index::Reason::vanished;
    expunge.uids = index::to_ranges(missing);
    index::RecordWriter vanished = writer();
    vanished.add(expunge);
    return commit(vanished);
}

/// The files that the index does not know, in the order in which they get their UIDs.
Result<std::vector<Folder::Arrival>> Folder::arrivals(Listing& listing, const Legacy& legacy) {
    std::set<std::string> leftovers(state_.leftovers().begin(), state_.leftovers().end());
    std::vector<Arrival> found;
    std::vector<std::uint32_t> wanted;
    for (auto& [key, file] : listing.files) {
        if (file.known) continue;
        if (leftovers.contains(key)) {
            // It was expunged, and the file survived a crash or was being renamed then.
            discard(file_path(dir_, file), options_);
            continue;
        }
        Arrival arrival;
        arrival.file = file;
        if (auto at = legacy.uids.find(key); at != legacy.uids.end()) {
            arrival.wanted = at->second;
            arrival.listed = true;
        } else if (auto uid = parse_file_name(file.name).uid) {
            arrival.wanted = *uid;
        }
        if (auto at = legacy.wire_sizes.find(key); at != legacy.wire_sizes.end())
            arrival.wire_size = at->second;
        if (auto at = legacy.message_keywords.find(key); at != legacy.message_keywords.end())
            arrival.keywords = at->second;
        if (arrival.wanted) wanted.push_back(arrival.wanted);
        found.push_back(std::move(arrival));
    }
    for (Listed& file : listing.duplicates) {
        const Listed& first = listing.files.at(message_key(file.name));
        if (!exists(file_path(dir_, file)) || !exists(file_path(dir_, first))) continue;
        // A copy made with cp: it gets a name of its own, or it would be lost behind the first.
        Listed renamed = file;
        renamed.name = unique_name(options_.hostname) + std::string(info_of(file.name));
        if (::rename(file_path(dir_, file).c_str(), file_path(dir_, renamed).c_str()) != 0)
            continue;
        Arrival arrival;
        arrival.file = std::move(renamed);
        found.push_back(std::move(arrival));
    }
    drop_contested(wanted);
    for (Arrival& arrival : found) {
        if (!arrival.listed && std::binary_search(wanted.begin(), wanted.end(), arrival.wanted))
            arrival.wanted = 0;
    }
    std::sort(found.begin(), found.end(), [](const Arrival& a, const Arrival& b) {
        return a.wanted != b.wanted ? a.wanted < b.wanted : a.file.name < b.file.name;
    });
    return found;
}

/// Records one arrival; false when it has gone meanwhile.
bool Folder::adopt_one(Arrival& arrival, std::uint32_t uid, index::RecordWriter& records) {
    std::string path = file_path(dir_, arrival.file);
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return false;
    FileName name = parse_file_name(arrival.file.name);
    if (!arrival.listed && name.uid != uid) {
        Listed renamed = arrival.file;
        renamed.name = with_uid(name.base, uid) + std::string(info_of(arrival.file.name));
        if (::rename(path.c_str(), file_path(dir_, renamed).c_str()) != 0) return false;
        arrival.file = std::move(renamed);
        name = parse_file_name(arrival.file.name);
    }
    index::Append record;
    record.uid = uid;
    record.modseq = state_.modseq() + 1;
    record.flags = flags_of(name.letters);
    record.keywords = keywords_of(name.letters);
    if (!arrival.keywords.empty()) {
        auto bits = keyword_bits(arrival.keywords);
        if (bits) record.keywords |= *bits;
    }
    record.date = found.st_mtim.tv_sec;
    auto physical = static_cast<std::uint64_t>(found.st_size);
    if (name.wire_size && (!name.size || *name.size == physical)) record.size = *name.wire_size;
    if (record.size == 0) record.size = arrival.wire_size;
    record.place = arrival.file.place;
    record.name = arrival.file.name;
    records.add(record);
    return true;
}

/// Gives UIDs.  A wanted UID is given when it was never given before (not below UIDNEXT) and is
/// not above `cap`; else the next one, or none with `wanted_only`.
Result<void> Folder::adopt(std::vector<Arrival> arrivals, std::uint32_t cap, bool wanted_only) {
    index::RecordWriter records = writer();
    std::uint32_t next = state_.next_uid();
    for (Arrival& arrival : arrivals) {
        bool granted = arrival.wanted >= next && arrival.wanted <= cap;
        if (!granted && wanted_only) continue;
        std::uint32_t uid = granted ? arrival.wanted : next;
        if (uid == 0xffffffff) return temporary("no UIDs left in " + dir_, "4.2.0");
        if (!granted) arrival.listed = false;
        if (adopt_one(arrival, uid, records)) next = uid + 1;
    }
    return commit(records);
}

}  // namespace facteur::store::maildir
