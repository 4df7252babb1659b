#include "lib/store/maildir/view.h"

#include <algorithm>

#include "lib/store/maildir/file_name.h"

namespace facteur::store::maildir {
namespace {

std::unexpected<Error> is_read_only() {
    return permanent("Mailbox is read-only", "5.7.1");
}

}  // namespace

View::View(std::string name, std::shared_ptr<Tree> tree, std::shared_ptr<Folder> folder,
           bool read_only, WorkerPool& workers)
    : name_(std::move(name)),
      tree_(std::move(tree)),
      folder_(std::move(folder)),
      read_only_(read_only),
      workers_(workers) {}

View::~View() {
    folder_->rest();
    if (watcher_) watcher_->remove(changed_);
}

std::uint32_t View::sequence_from(std::uint32_t uid) const {
    auto at = std::lower_bound(uids_.begin(), uids_.end(), uid);
    return static_cast<std::uint32_t>(at - uids_.begin()) + 1;
}

bool View::is_recent(std::uint32_t uid) const {
    if (recent_.size() == uids_.size()) return true;
    if (recent_.empty() || uid < recent_.front() || uid > recent_.back()) return false;
    return std::binary_search(recent_.begin(), recent_.end(), uid);
}

Message View::message(std::uint32_t sequence) const {
    Message out;
    out.uid = uids_[sequence - 1];
    out.recent = is_recent(out.uid);
    folder_->read([&](const index::State& state) {
        const index::Entry* entry = state.find(out.uid, hint_);
        out.expunged = entry == nullptr;
        if (!entry) return;
        out.modseq = entry->modseq;
        out.flags = entry->flags;
        out.keywords = entry->keywords & known_keywords_;
        out.internal_date = entry->date;
        out.save_date = name_time(state.name(*entry));
        out.size = entry->size;
    });
    return out;
}

void View::take_expunged(const index::State& state, Changes& changes) {
    if (state.expunges() == expunges_) return;
    expunges_ = state.expunges();
    std::vector<std::uint32_t> kept;
    std::size_t hint = 0;
    for (std::size_t i = 0; i < uids_.size(); ++i) {
        if (state.find(uids_[i], hint)) {
            kept.push_back(uids_[i]);
        } else {
            changes.expunged.push_back(static_cast<std::uint32_t>(i) + 1);
            changes.expunged_uids.push_back(uids_[i]);
        }
    }
    std::reverse(changes.expunged.begin(), changes.expunged.end());
    uids_ = std::move(kept);
    std::erase_if(recent_, [&state](std::uint32_t uid) { return !state.find(uid); });
}

void View::take_flags(const index::State& state, Changes& changes) {
    if (state.modseq() == modseq_) return;
    std::size_t hint = 0;
    for (std::size_t i = 0; i < uids_.size(); ++i) {
        const index::Entry* entry = state.find(uids_[i], hint);
        if (entry && entry->modseq > modseq_ && !own_changes_.contains(entry->modseq))
            changes.flags.push_back(static_cast<std::uint32_t>(i) + 1);
    }
    modseq_ = state.modseq();
    own_changes_.clear();
}

void View::take_new(const index::State& state, Changes& changes) {
    state.each_from(uid_next_, [&](const index::Entry& entry) {
        changes.exists = true;
        uids_.push_back(entry.uid);
        if (entry.uid >= recent_from_) recent_.push_back(entry.uid);
    });
    uid_next_ = state.next_uid();
}

void View::take_keywords(const index::State& state, Changes& changes) {
    if (state.keywords() == keywords_) return;
    changes.keywords = true;
    keywords_ = state.keywords();
    known_keywords_ = 0;
    for (std::size_t bit = 0; bit < keywords_.size(); ++bit)
        if (!keywords_[bit].empty()) known_keywords_ |= std::uint64_t{1} << bit;
}

Task<Result<Changes>> View::sync(bool expunges) {
    Changes changes;
    bool first = uid_validity_ == 0;
    if (first || folder_->stale()) {
        std::function<Result<void>()> refresh = [this] { return folder_->refresh(); };
        Result<void> refreshed = co_await work(std::move(refresh));
        if (!refreshed && !refreshed.error().is_temporary()) {
            changes.gone = true;
            co_return changes;
        }
        CO_TRY_VOID(std::move(refreshed));
    }
    auto next = folder_->read([](const index::State& state) { return state.next_uid(); });
    if (first || next != uid_next_) {
        std::function<Result<std::uint32_t>()> promise = [this]() -> Result<std::uint32_t> {
            TRY_VOID(folder_->promise_uids());
            auto validity = [](const index::State& state) { return state.uid_validity(); };
            if (id_.empty()) id_ = tree_->id_of(*folder_, folder_->read(validity));
            if (!read_only_) return folder_->claim_recent();
            return folder_->read([](const index::State& state) { return state.first_recent(); });
        };
        CO_TRY(recent_from_, co_await work(std::move(promise)));
    }
    folder_->read([&](const index::State& state) {
        if (!first && state.uid_validity() != uid_validity_) changes.gone = true;
        if (first) {
            modseq_ = state.modseq();
            expunges_ = state.expunges();
        }
        uid_validity_ = state.uid_validity();
        if (expunges) take_expunged(state, changes);
        take_flags(state, changes);
        take_new(state, changes);
        take_keywords(state, changes);
    });
    if (folder_->gone()) changes.gone = true;
    co_return changes;
}

Signal& View::changed() {
    if (!watcher_) {
        watcher_ = Watcher::shared();
        watcher_->add(folder_->dir(), changed_, [folder = folder_] { return folder->stale(); });
    }
    return changed_;
}

Task<Result<Content>> View::content(std::uint32_t uid) {
    std::function<Result<Content>()> read = [this, uid] { return folder_->content(uid); };
    co_return co_await work(std::move(read));
}

Task<Result<void>> View::read(std::vector<std::uint32_t> uids, Reader reader) {
    std::function<Result<void>()> read = [this, &uids, &reader] {
        return folder_->read_messages(uids, reader);
    };
    co_return co_await work(std::move(read));
}

Task<Result<Summary>> View::summary(std::uint32_t uid) {
    if (auto cached = folder_->cached_summary(uid)) co_return *std::move(cached);
    std::function<Result<Summary>()> read = [this, uid] { return folder_->summary(uid); };
    co_return co_await work(std::move(read));
}

Task<Result<void>> View::summarize(std::vector<std::uint32_t> uids) {
    std::function<Result<void>()> read = [this, &uids] { return folder_->summarize(uids); };
    co_return co_await work(std::move(read));
}

Task<Result<void>> View::measure(std::vector<std::uint32_t> uids) {
    folder_->read([&uids](const index::State& state) {
        std::erase_if(uids, [&state](std::uint32_t uid) {
            const index::Entry* entry = state.find(uid);
            return !entry || entry->size != 0;
        });
    });
    if (uids.empty()) co_return Result<void>();
    std::function<Result<void>()> measure = [this, &uids] { return folder_->measure(uids); };
    co_return co_await work(std::move(measure));
}

Task<Result<StoreOutcome>> View::store(std::vector<std::uint32_t> uids, FlagChange change) {
    if (read_only_) co_return is_read_only();
    std::function<Result<StoreOutcome>()> apply = [this, &uids, &change] {
        return folder_->change_flags(uids, change);
    };
    CO_TRY(StoreOutcome outcome, co_await work(std::move(apply)));
    // Nobody else changed anything since the last look: then there is nothing to look for.
    if (outcome.modseq == modseq_ + 1) {
        modseq_ = outcome.modseq;
    } else if (outcome.modseq) {
        own_changes_.insert(outcome.modseq);
    }
    Changes ignored;
    folder_->read([&](const index::State& state) { take_keywords(state, ignored); });
    co_return outcome;
}

Task<Result<std::vector<std::uint32_t>>> View::expunge(
    std::optional<std::vector<std::uint32_t>> uids) {
    if (read_only_) co_return is_read_only();
    std::function<Result<std::vector<std::uint32_t>>()> apply = [this, &uids] {
        return tree_->expunge(name_, *folder_, uids);
    };
    co_return co_await work(std::move(apply));
}

Task<Result<CopyOutcome>> View::copy(std::vector<std::uint32_t> uids, std::string target) {
    std::function<Result<CopyOutcome>()> apply = [this, &uids, &target] {
        return tree_->copy(*folder_, uids, target);
    };
    co_return co_await work(std::move(apply));
}

Task<Result<CopyOutcome>> View::move(std::vector<std::uint32_t> uids, std::string target) {
    if (read_only_) co_return is_read_only();
    std::function<Result<CopyOutcome>()> apply = [this, &uids, &target] {
        return tree_->move(name_, *folder_, uids, target);
    };
    co_return co_await work(std::move(apply));
}

Task<void> View::close() {
    if (read_only_) co_return;
    std::function<Result<void>()> write = [this] { return folder_->write_names(); };
    co_await work(std::move(write));
}

}  // namespace facteur::store::maildir
