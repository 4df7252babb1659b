#include "lib/store/index/state.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <sys/mman.h>

#include "lib/base/encoding.h"
#include "lib/store/maildir/file_name.h"

namespace facteur::store::index {

Mapping::Mapping(int fd, std::size_t size) : size_(size) {
    void* base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (base != MAP_FAILED) base_ = static_cast<char*>(base);
}

Mapping::Mapping(Mapping&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(other.size_) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    return *this;
}

Mapping::~Mapping() {
    if (base_) ::munmap(base_, size_);
}

State::State(const Header& header, Mapping snapshot)
    : header_(header), mapping_(std::move(snapshot)) {
    if (!mapping_) return;
    base_ = std::span(reinterpret_cast<Entry*>(mapping_.base() + sizeof(Header)), header.entries);
    base_names_ = std::string_view(
        mapping_.base() + sizeof(Header) + std::size_t{header.entries} * sizeof(Entry),
        header.names);
    count_ = header.entries;
}

std::size_t State::lower(std::span<const Entry> entries, std::uint32_t uid) {
    auto at = std::lower_bound(entries.begin(), entries.end(), uid,
                               [](const Entry& entry, std::uint32_t u) { return entry.uid < u; });
    return static_cast<std::size_t>(at - entries.begin());
}

const Entry* State::find(std::uint32_t uid) const {
    std::span<const Entry> tail(tail_);
    std::span<const Entry> where = base_;
    if (!tail_.empty() && uid >= tail_.front().uid) where = tail;
    std::size_t at = lower(where, uid);
    if (at == where.size() || where[at].uid != uid || where[at].gone) return nullptr;
    return &where[at];
}

const Entry* State::find(std::uint32_t uid, std::size_t& hint) const {
    // The two arrays count on: what follows the snapshot is the tail.
    auto at = [this](std::size_t i) -> const Entry* {
        if (i < base_.size()) return &base_[i];
        return i - base_.size() < tail_.size() ? &tail_[i - base_.size()] : nullptr;
    };
    const Entry* next = at(hint + 1);
    if (next != nullptr && next->uid == uid && !next->gone) {
        ++hint;
        return next;
    }
    const Entry* found = find(uid);
    if (found != nullptr) {
        bool in_tail = !tail_.empty() && found >= tail_.data() && found <= &tail_.back();
        hint = in_tail ? base_.size() + static_cast<std::size_t>(found - tail_.data())
                       : static_cast<std::size_t>(found - base_.data());
    }
    return found;
}

Entry* State::find_mutable(std::uint32_t uid) {
    return const_cast<Entry*>(find(uid));  // NOLINT: both arrays are ours and not const
}

std::string_view State::name(const Entry& entry) const {
    std::size_t offset = entry.name_offset;
    if (offset < base_names_.size()) return base_names_.substr(offset, entry.name_length);
    std::string_view tail(tail_names_);
    return tail.substr(std::min(offset - base_names_.size(), tail.size()), entry.name_length);
}

std::uint32_t State::add_name(std::string_view name) {
    std::size_t offset = base_names_.size() + tail_names_.size();
    tail_names_.append(name);
    return static_cast<std::uint32_t>(offset);
}

template <class Visit>
void State::each_in(const UidRanges& ranges, Visit visit) {
    for (const UidRange& range : ranges) {
        for (std::span<Entry> entries : {base_, std::span<Entry>(tail_)}) {
            for (std::size_t i = lower(entries, range.first); i < entries.size(); ++i) {
                if (entries[i].uid > range.last) break;
                if (!entries[i].gone) visit(entries[i]);
            }
        }
    }
}

void State::apply_append(const Append& record, std::uint64_t summary_offset) {
    Entry entry;
    entry.uid = record.uid;
    entry.modseq = record.modseq;
    entry.flags = record.flags;
    entry.keywords = record.keywords;
    entry.date = record.date;
    entry.size = record.size;
    entry.place = record.place;
    entry.name_offset = add_name(record.name);
    entry.name_length = static_cast<std::uint16_t>(record.name.size());
    if (!record.summary.empty()) {
        entry.source = Entry::log_file;
        entry.summary_offset = summary_offset;
        entry.summary_length = static_cast<std::uint32_t>(record.summary.size());
    }
    tail_.push_back(entry);
    ++count_;
    header_.next_uid = record.uid + 1;
    header_.modseq = std::max(header_.modseq, record.modseq);
}

void State::apply_flags(const FlagsChanged& record) {
    each_in(record.uids, [&record](Entry& entry) {
        entry.flags = static_cast<std::uint8_t>((entry.flags | record.add) & ~record.remove);
        entry.keywords = (entry.keywords | record.add_keywords) & ~record.remove_keywords;
        entry.modseq = record.modseq;
    });
    header_.modseq = std::max(header_.modseq, record.modseq);
}

void State::expunge_one(Entry& entry, Reason reason) {
    entry.gone = true;
    --count_;
    ++expunges_;
    if (reason != Reason::asked) return;
    std::string key = maildir::message_key(name(entry));
    if (maildir::is_delivery_key(key)) delivered_[key] = entry.date;
    leftovers_.push_back(std::move(key));
}

void State::apply_expunge(const Expunge& record) {
    each_in(record.uids, [this, &record](Entry& entry) { expunge_one(entry, record.reason); });
    header_.modseq = std::max(header_.modseq, record.modseq);
}

void State::apply_keyword(const Keyword& record) {
    if (keywords_.size() <= record.bit) keywords_.resize(std::size_t{record.bit} + 1);
    keywords_[record.bit] = std::string(record.name);
}

bool State::apply(const RecordView& record, std::uint64_t offset) {
    switch (record.type) {
        case Record::append: {
            auto append = read_append(record.payload);
            if (!append || append->uid < header_.next_uid) return false;
            // The summary is the last thing in the payload.
            apply_append(*append, offset + record.payload.size() - append->summary.size());
            return true;
        }
        case Record::flags: {
            auto changed = read_flags(record.payload);
            if (changed) apply_flags(*changed);
            return changed.has_value();
        }
        case Record::expunge: {
            auto expunge = read_expunge(record.payload);
            if (expunge) apply_expunge(*expunge);
            return expunge.has_value();
        }
        case Record::unlinked:
            leftovers_.clear();
            return true;
        case Record::name: {
            auto renamed = read_renamed(record.payload);
            if (!renamed) return false;
            Entry* entry = find_mutable(renamed->uid);
            if (!entry) return true;
            entry->place = renamed->place;
            entry->name_offset = add_name(renamed->name);
            entry->name_length = static_cast<std::uint16_t>(renamed->name.size());
            return true;
        }
        case Record::keyword: {
            auto keyword = read_keyword(record.payload);
            if (keyword) apply_keyword(*keyword);
            return keyword.has_value();
        }
        case Record::recent: {
            auto first = read_recent(record.payload);
            if (first) header_.first_recent = std::max(header_.first_recent, *first);
            return first.has_value();
        }
        case Record::scan: {
            auto scanned = read_scanned(record.payload);
            if (!scanned) return false;
            header_.new_mtime = scanned->new_mtime;
            header_.cur_mtime = scanned->cur_mtime;
            return true;
        }
        case Record::boot: {
            auto boot = read_boot(record.payload);
            if (!boot || boot->next_uid < header_.next_uid) return false;
            header_.boot = boot->boot;
            header_.next_uid = boot->next_uid;
            header_.modseq = std::max(header_.modseq, boot->modseq);
            return true;
        }
        case Record::summary: {
            auto summary = read_summarized(record.payload);
            if (!summary) return false;
            Entry* entry = find_mutable(summary->uid);
            if (!entry) return true;
            entry->size = summary->size;
            if (summary->summary.empty()) return true;
            entry->source = Entry::log_file;
            entry->summary_length = static_cast<std::uint32_t>(summary->summary.size());
            entry->summary_offset = offset + record.payload.size() - summary->summary.size();
            return true;
        }
        case Record::delivered: {
            auto delivered = read_delivered(record.payload);
            if (delivered) delivered_[std::string(delivered->key)] = delivered->when;
            return delivered.has_value();
        }
        case Record::leftover:
            leftovers_.emplace_back(record.payload);
            return true;
    }
    return false;
}

std::string State::snapshot(Header& header, std::vector<Entry> entries) const {
    std::string names;
    for (Entry& entry : entries) {
        std::string_view text = name(entry);
        entry.name_offset = static_cast<std::uint32_t>(names.size());
        names.append(text);
    }
    header = header_;
    std::memcpy(header.magic, kMagic.data(), kMagic.size());
    header.entries = static_cast<std::uint32_t>(entries.size());
    header.names = names.size();
    std::string_view bytes(reinterpret_cast<const char*>(entries.data()),
                           entries.size() * sizeof(Entry));
    header.body_crc = crc32c(names, crc32c(bytes));
    std::string out(bytes);
    out.append(names);
    return out;
}

}  // namespace facteur::store::index
