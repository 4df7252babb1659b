#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "lib/spool/queue_id.h"

namespace facteur::qmgr {

/// When which message is due, to the second: sixteen bytes a message, whatever is known of it
/// otherwise is on the disk.
class Waiting {
public:
    void add(std::int64_t due, spool::QueueId id) {
        buckets_[due].push_back(id);
        ++size_;
    }
    /// It is not due then any more; does nothing when it was not.
    void remove(std::int64_t due, spool::QueueId id) {
        auto bucket = buckets_.find(due);
        if (bucket == buckets_.end()) return;
        auto found = std::find(bucket->second.begin(), bucket->second.end(), id);
        if (found == bucket->second.end()) return;
        *found = bucket->second.back();
        bucket->second.pop_back();
        if (bucket->second.empty()) buckets_.erase(bucket);
        --size_;
    }
    struct Due {
        spool::QueueId id;
        bool forced = false;  ///< whatever is written of when it is due
    };
    /// One that is due.
    std::optional<Due> take(std::int64_t now) {
        auto first = buckets_.begin();
        if (first == buckets_.end() || first->first > now) return std::nullopt;
        Due due{first->second.back(), first->first == kForced};
        first->second.pop_back();
        if (first->second.empty()) buckets_.erase(first);
        --size_;
        return due;
    }
    void force(spool::QueueId id) { add(kForced, id); }
    void force_all() {
        std::vector<spool::QueueId> all;
        all.reserve(size_);
        for (const auto& [due, ids] : buckets_)
            all.insert(all.end(), ids.begin(), ids.end());
        buckets_.clear();
        if (!all.empty()) buckets_[kForced] = std::move(all);
    }
    std::optional<std::int64_t> next_due() const {
        if (buckets_.empty()) return std::nullopt;
        return buckets_.begin()->first;
    }
    std::size_t size() const { return size_; }

private:
    static constexpr std::int64_t kForced = 0;

    std::map<std::int64_t, std::vector<spool::QueueId>> buckets_;
    std::size_t size_ = 0;
};

}  // namespace facteur::qmgr
