#include <algorithm>
#include <cstdio>

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/store/maildir/expunged.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/files.h"
#include "lib/store/maildir/folder.h"

namespace facteur::store::maildir {
namespace {

constexpr Flags kAllFlags = seen | answered | flagged | deleted | draft;

/// What a change does to every message it is for.
index::FlagsChanged masks(const FlagChange& change, std::uint64_t keywords) {
    index::FlagsChanged out;
    if (change.mode != FlagChange::Mode::remove) {
        out.add = change.flags;
        out.add_keywords = keywords;
    } else {
        out.remove = change.flags;
        out.remove_keywords = keywords;
    }
    if (change.mode == FlagChange::Mode::replace) {
        out.remove = kAllFlags & static_cast<Flags>(~change.flags);
        out.remove_keywords = ~keywords;
    }
    return out;
}

bool alters(const index::FlagsChanged& change, const index::Entry& entry) {
    return ((entry.flags | change.add) & ~change.remove) != entry.flags ||
           ((entry.keywords | change.add_keywords) & ~change.remove_keywords) != entry.keywords;
}

}  // namespace

/// The bits of these keywords; new ones get theirs, recorded at once.
Result<std::uint64_t> Folder::keyword_bits(const std::vector<std::string>& names) {
    std::uint64_t bits = 0;
    std::vector<std::string> table = state_.keywords();
    index::RecordWriter records = writer();
    for (const std::string& name : names) {
        auto same = [&name](const std::string& other) { return iequals(name, other); };
        auto at = std::find_if(table.begin(), table.end(), same);
        if (at == table.end()) {
            at = std::find(table.begin(), table.end(), std::string());
            if (at == table.end()) at = table.insert(table.end(), std::string());
            auto bit = static_cast<std::size_t>(at - table.begin());
            if (bit >= kMaxKeywords) return permanent("too many keywords in this mailbox", "5.2.3");
            *at = name;
            records.add(index::Keyword{static_cast<std::uint8_t>(bit), name});
        }
        bits |= std::uint64_t{1} << (at - table.begin());
    }
    if (records.empty()) return bits;
    TRY_VOID(commit(records));
    save_keywords();
    return bits;
}

/// What the letters in the file names mean, for a rebuild and for other programs.
void Folder::save_keywords() const {
    std::vector<std::string> letters = state_.keywords();
    if (letters.size() > 26) letters.resize(26);
    auto saved = replace_file(dir_ + "/dovecot-keywords", format_dovecot_keywords(letters),
                              options_.file_mode);
    if (!saved) log_warning(saved.error().text);
}

bool Folder::delivered_before(const std::string& delivery_id) const {
    std::string key = delivery_key(delivery_id);
    if (state_.delivered().contains(key)) return true;
    bool found = false;
    state_.each([&](const index::Entry& entry) {
        found = found || message_key(state_.name(entry)) == key;
    });
    return found;
}

/// A power cut can leave the name of a delivery without its bytes: ext4 writes the directory, and
/// even the size of the file, before the content, which then reads as zeros.  So only the bytes
/// prove a delivery.  Whoever repeats it has them all, and the torn file goes.  And even right
/// bytes prove nothing about the disk: when it failed to take them, they stay readable from memory
/// and no later flush writes them.  So the repeated file takes the place of the first one.
Result<void> Folder::mend_delivery(const std::string& delivery_id, MessageFile& whole) {
    std::string key = delivery_key(delivery_id);
    std::vector<std::string> there;
    state_.each([&](const index::Entry& entry) {
        if (message_key(state_.name(entry)) == key) there.push_back(path_of(entry.uid));
    });
    bool dropped = false;
    for (const std::string& path : there) {
        TRY(bool same, whole.same_as(path));
        if (same) return whole.replace(path);
        log_warning(path +
                    " is torn: a crash came before its content was written; delivering again");
        if (::unlink(path.c_str()) != 0) return system_error(path);
        dropped = true;
    }
    return dropped ? scan(true) : Result<void>();
}

Result<std::vector<Appended>> Folder::append(std::vector<MessageFile>& files,
                                             const std::vector<NewMessage>& messages) {
    TRY(Turn turn, begin());
    index::RecordWriter records = writer();
    std::vector<Appended> outcome;
    std::uint32_t uid = state_.next_uid();
    bool durable = false;
    bool scanned = false;
    bool in_new = false;
    bool in_cur = false;
    for (std::size_t i = 0; i < files.size(); ++i) {
        const NewMessage& message = messages[i];
        if (message.maybe_delivered && !message.delivery_id.empty()) {
            // Only a look into the directories finds a file whose record was lost.
            if (!scanned) {
                TRY_VOID(scan(false));
            }
            TRY_VOID(mend_delivery(message.delivery_id, files[i]));
            if (!scanned) uid = state_.next_uid();
            scanned = true;
            if (delivered_before(message.delivery_id)) {
                outcome.push_back({state_.uid_validity(), 0, true});
                in_new = in_cur = true;  // wherever it is by now
                durable = durable || message.durability == Durability::now;
                continue;
            }
        }
        TRY(std::uint64_t keywords, keyword_bits(message.keywords));
        TRY(std::string name, files[i].publish(uid, message.flags, keywords));
        index::Append record;
        record.uid = uid;
        record.modseq = state_.modseq() + 1;
        record.flags = message.flags;
        record.keywords = keywords;
        record.date = files[i].date();
        record.size = files[i].size();
        record.place = MessageFile::goes_to_cur(message.flags, keywords) ? index::Entry::in_cur
                                                                         : index::Entry::in_new;
        record.name = name;
        record.summary = files[i].summary();
        records.add(record);
        (record.place == index::Entry::in_new ? in_new : in_cur) = true;
        outcome.push_back({state_.uid_validity(), uid++, false});
        durable = durable || message.durability == Durability::now;
    }
    if (durable) {
        if (in_new) {
            TRY_VOID(flush_directory(dir_, "new"));
        }
        if (in_cur) {
            TRY_VOID(flush_directory(dir_, "cur"));
        }
        index::Reservation reservation = turn.lock.reservation();
        if (reservation.limit < uid || reservation.uid_validity == 0) {
            reservation = {state_.uid_validity(), uid + 256};
            TRY_VOID(turn.lock.reserve(reservation));
        }
    }
    TRY_VOID(commit(records));
    for (std::size_t i = 0; i < files.size(); ++i)
        if (!outcome[i].duplicate) files[i].keep();
    return outcome;
}

Result<StoreOutcome> Folder::change_flags(const std::vector<std::uint32_t>& uids,
                                          const FlagChange& change) {
    TRY(Turn turn, begin());
    TRY(std::uint64_t keywords, keyword_bits(change.keywords));
    StoreOutcome outcome;
    index::FlagsChanged record = masks(change, keywords);
    for (std::uint32_t uid : uids) {
        const index::Entry* entry = state_.find(uid);
        if (!entry) continue;
        if (change.unchanged_since && entry->modseq > *change.unchanged_since) {
            outcome.modified.push_back(uid);
        } else if (alters(record, *entry)) {
            outcome.changed.push_back(uid);
        }
    }
    if (outcome.changed.empty()) return outcome;
    std::sort(outcome.changed.begin(), outcome.changed.end());
    record.modseq = outcome.modseq = state_.modseq() + 1;
    record.uids = index::to_ranges(outcome.changed);
    index::RecordWriter records = writer();
    records.add(record);
    TRY_VOID(commit(records));
    TRY_VOID(compact_if_due());
    return outcome;
}

/// First the record, durable; then the files: what a crash leaves is removed by the next scan.
Result<std::vector<std::uint32_t>> Folder::expunge(
    const std::optional<std::vector<std::uint32_t>>& uids, bool even_undeleted) {
    TRY(Turn turn, begin());
    std::vector<std::uint32_t> going;
    auto take = [&](const index::Entry& entry) {
        if (even_undeleted || (entry.flags & deleted)) going.push_back(entry.uid);
    };
    if (uids) {
        for (std::uint32_t uid : *uids)
            if (const index::Entry* entry = state_.find(uid)) take(*entry);
        std::sort(going.begin(), going.end());
        going.erase(std::unique(going.begin(), going.end()), going.end());
    } else {
        state_.each(take);
    }
    if (going.empty()) return going;
    std::vector<std::string> paths;
    for (std::uint32_t uid : going)
        paths.push_back(path_of(uid));
    index::Expunge record;
    record.modseq = state_.modseq() + 1;
    record.uids = index::to_ranges(going);
    index::RecordWriter records = writer();
    records.add(record);
    TRY_VOID(commit(records));
    TRY_VOID(index_.flush());
    bool all = state_.leftovers().size() == going.size();
    for (const std::string& path : paths)
        all = (even_undeleted ? ::unlink(path.c_str()) == 0 : discard(path, options_)) && all;
    if (all) {
        index::RecordWriter done = writer();
        done.add_unlinked();
        TRY_VOID(commit(done));
    } else {
        TRY_VOID(scan(true));  // renamed by another program just then
    }
    TRY_VOID(compact_if_due());
    return going;
}

Result<void> Folder::write_names() {
    TRY(Turn turn, begin());
    if (!names_dirty_) return {};
    index::RecordWriter records = writer();
    state_.each([&](const index::Entry& entry) {
        std::string name(state_.name(entry));
        FileName parsed = parse_file_name(name);
        // Without \Recent claimed, the message is still new to all sessions: it stays in new/.
        if (entry.place == index::Entry::in_new && entry.uid >= state_.first_recent()) return;
        std::string wanted =
            std::string(parsed.base) + info_suffix(entry.flags, entry.keywords, parsed.letters);
        if (wanted == name && entry.place == index::Entry::in_cur) return;
        std::string to = dir_ + "/cur/" + wanted;
        // A file that is not there was renamed by another program: the next scan compares.
        if (::rename(path_of(entry.uid).c_str(), to.c_str()) != 0) return;
        records.add(index::Renamed{entry.uid, index::Entry::in_cur, wanted});
    });
    TRY_VOID(commit(records));
    names_dirty_ = false;
    return compact_if_due();
}

}  // namespace facteur::store::maildir
