#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/store/index/format.h"

namespace facteur::store::index {

/// A private mapping of the front of an index file; pages that nobody writes stay shared.
class Mapping {
public:
    Mapping() = default;
    Mapping(int fd, std::size_t size);
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();
    explicit operator bool() const { return base_ != nullptr; }
    char* base() const { return base_; }
    std::size_t size() const { return size_; }

private:
    char* base_ = nullptr;
    std::size_t size_ = 0;
};

/// What the records so far say.  Pure memory: IndexFile feeds it.
class State {
public:
    State() = default;
    /// Starts from a snapshot whose header and checksums were found right.
    State(const Header& header, Mapping snapshot);

    /// `offset` is where the payload stands in the index file.  False when the payload is broken.
    bool apply(const RecordView& record, std::uint64_t offset);

    std::uint32_t uid_validity() const { return header_.uid_validity; }
    std::uint32_t next_uid() const { return header_.next_uid; }
    std::uint64_t modseq() const { return header_.modseq; }
    std::uint32_t first_recent() const { return header_.first_recent; }
    std::uint64_t boot() const { return header_.boot; }
    std::uint64_t cache_id() const { return header_.cache_id; }
    std::int64_t new_mtime() const { return header_.new_mtime; }
    std::int64_t cur_mtime() const { return header_.cur_mtime; }
    const std::vector<std::string>& keywords() const { return keywords_; }
    /// Grows with every expunge: who has seen this number has seen all of them.
    std::uint64_t expunges() const { return expunges_; }

    /// The live message, or nullptr.
    const Entry* find(std::uint32_t uid) const;
    /// The same, quickly when it is the one after the last that was found with this hint.
    const Entry* find(std::uint32_t uid, std::size_t& hint) const;
    std::string_view name(const Entry& entry) const;
    /// Calls visit(entry) for every live message, by UID.
    template <class Visit>
    void each(Visit visit) const {
        for (const Entry& entry : base_)
            if (!entry.gone) visit(entry);
        for (const Entry& entry : tail_)
            if (!entry.gone) visit(entry);
    }
    /// The same from this UID on.
    template <class Visit>
    void each_from(std::uint32_t uid, Visit visit) const {
        for (std::size_t i = lower(base_, uid); i < base_.size(); ++i)
            if (!base_[i].gone) visit(base_[i]);
        std::span<const Entry> tail(tail_);
        for (std::size_t i = lower(tail, uid); i < tail.size(); ++i)
            if (!tail[i].gone) visit(tail[i]);
    }
    std::uint32_t count() const { return count_; }

    /// Deliveries whose messages were expunged: key and time.
    const std::map<std::string, std::int64_t, std::less<>>& delivered() const { return delivered_; }
    /// Keys of expunged messages whose files may still be there.
    const std::vector<std::string>& leftovers() const { return leftovers_; }

    /// The header, entries and names of a new snapshot with this state.
    std::string snapshot(Header& header, std::vector<Entry> entries) const;

private:
    static std::size_t lower(std::span<const Entry> entries, std::uint32_t uid);
    Entry* find_mutable(std::uint32_t uid);
    std::uint32_t add_name(std::string_view name);
    void apply_append(const Append& record, std::uint64_t summary_offset);
    void apply_flags(const FlagsChanged& record);
    void apply_expunge(const Expunge& record);
    void apply_keyword(const Keyword& record);
    void expunge_one(Entry& entry, Reason reason);
    template <class Visit>
    void each_in(const UidRanges& ranges, Visit visit);

    Header header_;
    Mapping mapping_;
    std::span<Entry> base_;
    std::string_view base_names_;
    std::vector<Entry> tail_;
    std::string tail_names_;
    std::vector<std::string> keywords_;
    std::map<std::string, std::int64_t, std::less<>> delivered_;
    std::vector<std::string> leftovers_;
    std::uint64_t expunges_ = 0;
    std::uint32_t count_ = 0;
};

}  // namespace facteur::store::index
