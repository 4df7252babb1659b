#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/event/worker.h"
#include "lib/store/maildir/folder.h"
#include "lib/store/maildir/tree.h"
#include "lib/store/maildir/watcher.h"
#include "lib/store/store.h"

namespace facteur::store::maildir {

/// One session's view of a Folder.
class View : public Mailbox {
public:
    View(std::string name, std::shared_ptr<Tree> tree, std::shared_ptr<Folder> folder,
         bool read_only, WorkerPool& workers);
    ~View() override;

    const std::string& name() const override { return name_; }
    bool read_only() const override { return read_only_; }
    const std::string& id() const override { return id_; }
    std::uint32_t uid_validity() const override { return uid_validity_; }
    std::uint32_t uid_next() const override { return uid_next_; }
    std::uint64_t highest_modseq() const override { return modseq_; }
    std::uint32_t size() const override { return static_cast<std::uint32_t>(uids_.size()); }
    std::uint32_t recent() const override { return static_cast<std::uint32_t>(recent_.size()); }
    std::uint32_t uid(std::uint32_t sequence) const override { return uids_[sequence - 1]; }
    std::uint32_t sequence_from(std::uint32_t uid) const override;
    Message message(std::uint32_t sequence) const override;
    const std::vector<std::string>& keywords() const override { return keywords_; }

    Task<Result<Changes>> sync(bool expunges) override;
    Signal& changed() override;
    Task<Result<Content>> content(std::uint32_t uid) override;
    Task<Result<void>> read(std::vector<std::uint32_t> uids, Reader reader) override;
    Task<Result<Summary>> summary(std::uint32_t uid) override;
    bool peek(std::uint32_t uid,
              const std::function<void(const SummaryView&)>& visit) const override {
        return folder_->peek(uid, visit);
    }
    Task<Result<void>> summarize(std::vector<std::uint32_t> uids) override;
    Task<Result<void>> measure(std::vector<std::uint32_t> uids) override;
    Task<Result<StoreOutcome>> store(std::vector<std::uint32_t> uids, FlagChange change) override;
    Task<Result<std::vector<std::uint32_t>>> expunge(
        std::optional<std::vector<std::uint32_t>> uids) override;
    Task<Result<CopyOutcome>> copy(std::vector<std::uint32_t> uids, std::string target) override;
    Task<Result<CopyOutcome>> move(std::vector<std::uint32_t> uids, std::string target) override;
    Task<void> close() override;

private:
    template <class T>
    Task<T> work(std::function<T()> blocking) {
        co_return co_await workers_.run<T>(std::move(blocking));
    }
    void take_expunged(const index::State& state, Changes& changes);
    void take_flags(const index::State& state, Changes& changes);
    void take_new(const index::State& state, Changes& changes);
    void take_keywords(const index::State& state, Changes& changes);
    bool is_recent(std::uint32_t uid) const;

    const std::string name_;
    const std::shared_ptr<Tree> tree_;      // shared with the Store and other views of the user
    const std::shared_ptr<Folder> folder_;  // shared with other sessions of this process
    const bool read_only_;
    WorkerPool& workers_;
    mutable std::size_t hint_ = 0;       ///< for message()
    std::vector<std::uint32_t> uids_;    ///< by sequence number
    std::vector<std::uint32_t> recent_;  ///< ascending
    std::vector<std::string> keywords_;
    std::uint64_t known_keywords_ = 0;  ///< bits with a name
    std::string id_;
    std::uint32_t uid_validity_ = 0;
    std::uint32_t uid_next_ = 1;  ///< what is below was told
    std::uint32_t recent_from_ = 0;
    std::uint64_t modseq_ = 0;    ///< flag changes up to this were told
    std::uint64_t expunges_ = 0;  ///< of the state when uids_ was cleaned last
    std::set<std::uint64_t> own_changes_;
    Signal changed_;
    std::shared_ptr<Watcher> watcher_;  // shared by all views that wait
};

}  // namespace facteur::store::maildir
