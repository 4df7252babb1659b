#include "lib/base/text.h"
#include "lib/event/worker.h"
#include "lib/store/maildir/files.h"
#include "lib/store/maildir/names.h"
#include "lib/store/maildir/tree.h"
#include "lib/store/maildir/view.h"
#include "lib/store/maildir/watcher.h"
#include "lib/store/store.h"

namespace facteur::store {
namespace maildir {
namespace {

class FolderWatch : public Watch {
public:
    /// Without a folder: the tree.
    FolderWatch(const std::string& root, const std::shared_ptr<Folder>& folder) {
        if (folder) {
            watcher_->add(folder->dir(), changed_, [folder] { return folder->stale(); });
        } else {
            watcher_->add_tree(root, changed_);
        }
    }
    ~FolderWatch() override { watcher_->remove(changed_); }
    Signal& changed() override { return changed_; }

private:
    Signal changed_;
    const std::shared_ptr<Watcher> watcher_ = Watcher::shared();
};

class MaildirStore : public Store {
public:
    MaildirStore(std::string root, Options options, WorkerPool& workers)
        : tree_(std::make_shared<Tree>(std::move(root), std::move(options))), workers_(workers) {}

    char separator() const override { return tree_->separator(); }

    Task<Result<std::vector<MailboxInfo>>> list() override {
        std::function<Result<std::vector<MailboxInfo>>()> work = [this] { return tree_->list(); };
        co_return co_await workers_.run<Result<std::vector<MailboxInfo>>>(std::move(work));
    }
    Task<Result<void>> create(std::string name) override {
        std::function<Result<void>()> work = [this, &name] { return tree_->create(name); };
        co_return co_await workers_.run<Result<void>>(std::move(work));
    }
    Task<Result<void>> remove(std::string name) override {
        std::function<Result<void>()> work = [this, &name] { return tree_->remove(name); };
        co_return co_await workers_.run<Result<void>>(std::move(work));
    }
    Task<Result<void>> rename(std::string from, std::string to) override;
    Task<Result<void>> subscribe(std::string name, bool on) override {
        std::function<Result<void>()> work = [this, &name, on] {
            return tree_->subscribe(name, on);
        };
        co_return co_await workers_.run<Result<void>>(std::move(work));
    }
    Task<Result<Properties>> properties(std::string name) override {
        std::function<Result<Properties>()> work = [this, &name] {
            return tree_->properties(name);
        };
        co_return co_await workers_.run<Result<Properties>>(std::move(work));
    }
    Task<Result<void>> set_properties(std::string name, std::vector<PropertyChange> changes,
                                      std::size_t most) override {
        std::function<Result<void>()> work = [this, &name, &changes, most] {
            return tree_->set_properties(name, changes, most);
        };
        co_return co_await workers_.run<Result<void>>(std::move(work));
    }
    Task<Result<std::unique_ptr<Mailbox>>> open(std::string name, bool read_only) override;
    Task<Result<MailboxStatus>> status(std::string name) override;
    Task<Result<std::unique_ptr<Watch>>> watch(std::string name) override;
    Task<Result<Appended>> append(std::string name, NewMessage message) override {
        std::vector<NewMessage> messages;
        messages.push_back(std::move(message));
        CO_TRY(auto appended, co_await append_all(std::move(name), std::move(messages)));
        co_return appended.front();
    }
    Task<Result<std::vector<Appended>>> append_all(std::string name,
                                                   std::vector<NewMessage> messages) override {
        std::function<Result<std::vector<Appended>>()> work = [this, &name, &messages] {
            return tree_->append(name, messages);
        };
        co_return co_await workers_.run<Result<std::vector<Appended>>>(std::move(work));
    }
    Task<Result<void>> flush() override {
        std::function<Result<void>()> work = [this] { return tree_->flush(); };
        co_return co_await workers_.run<Result<void>>(std::move(work));
    }

    std::uint64_t flush_domain() const override { return tree_->device(); }
    Task<Result<std::vector<QuotaRoot>>> quota(std::string) override {
        std::function<Result<std::vector<QuotaRoot>>()> work = [this] { return tree_->quota(); };
        co_return co_await workers_.run<Result<std::vector<QuotaRoot>>>(std::move(work));
    }
    Task<Result<void>> has_room(std::string name, std::uint64_t size) override {
        std::function<Result<void>()> work = [this, &name, size] {
            return tree_->has_room(name, size);
        };
        co_return co_await workers_.run<Result<void>>(std::move(work));
    }

private:
    const std::shared_ptr<Tree> tree_;  // shared with the views that outlive this Store
    WorkerPool& workers_;
};

Task<Result<std::unique_ptr<Mailbox>>> MaildirStore::open(std::string name, bool read_only) {
    if (is_inbox(name)) name = "INBOX";
    std::function<Result<std::shared_ptr<Folder>>()> find = [this, &name] {
        return tree_->folder(name);
    };
    CO_TRY(auto folder, co_await workers_.run<Result<std::shared_ptr<Folder>>>(std::move(find)));
    std::unique_ptr<Mailbox> view =
        std::make_unique<View>(name, tree_, std::move(folder), read_only, workers_);
    CO_TRY(Changes changes, co_await view->sync(true));
    if (changes.gone) co_return permanent("Mailbox doesn't exist", "5.1.1");
    co_return view;
}

Task<Result<std::unique_ptr<Watch>>> MaildirStore::watch(std::string name) {
    std::function<Result<std::shared_ptr<Folder>>()> find = [this, &name] {
        return tree_->folder(name.empty() ? "INBOX" : name);
    };
    CO_TRY(auto folder, co_await workers_.run<Result<std::shared_ptr<Folder>>>(std::move(find)));
    std::string root = folder->dir();
    if (name.empty()) folder.reset();
    std::unique_ptr<Watch> watch = std::make_unique<FolderWatch>(root, folder);
    co_return watch;
}

Task<Result<MailboxStatus>> MaildirStore::status(std::string name) {
    std::function<Result<MailboxStatus>()> work = [this, &name]() -> Result<MailboxStatus> {
        TRY(auto folder, tree_->folder(name));
        TRY_VOID(folder->refresh());
        TRY_VOID(folder->promise_uids());
        MailboxStatus told = folder->read([](const index::State& state) {
            MailboxStatus out;
            out.uid_next = state.next_uid();
            out.uid_validity = state.uid_validity();
            out.highest_modseq = state.modseq();
            state.each([&](const index::Entry& entry) {
                ++out.messages;
                out.recent += entry.uid >= state.first_recent() ? 1 : 0;
                out.unseen += entry.flags & seen ? 0 : 1;
                out.deleted += entry.flags & deleted ? 1 : 0;
                out.size += entry.size;
                out.deleted_size += entry.flags & deleted ? entry.size : 0;
            });
            return out;
        });
        told.id = tree_->id_of(*folder, told.uid_validity);
        return told;
    };
    co_return co_await workers_.run<Result<MailboxStatus>>(std::move(work));
}

/// RFC 3501 section 6.3.5: renaming INBOX moves its messages and leaves it empty.
Task<Result<void>> MaildirStore::rename(std::string from, std::string to) {
    if (!is_inbox(from)) {
        std::function<Result<void>()> work = [this, &from, &to] { return tree_->rename(from, to); };
        co_return co_await workers_.run<Result<void>>(std::move(work));
    }
    CO_TRY_VOID(co_await create(to));
    CO_TRY(auto inbox, co_await open(from, false));
    std::vector<std::uint32_t> uids;
    for (std::uint32_t sequence = 1; sequence <= inbox->size(); ++sequence)
        uids.push_back(inbox->uid(sequence));
    if (uids.empty()) co_return Result<void>();
    auto moved = co_await inbox->move(std::move(uids), to);
    CO_TRY_VOID(std::move(moved));
    co_return Result<void>();
}

}  // namespace
}  // namespace maildir

Result<std::string> folder_of(std::string_view location) {
    constexpr std::string_view kDriver = "maildir:";
    if (!istarts_with(location, kDriver))
        return permanent("mail location is not supported: " + std::string(location), "5.3.5");
    // "maildir:/home/u/Maildir:INDEX=…": the options of Dovecot's location change nothing here.
    std::string root(location.substr(kDriver.size()));
    root = root.substr(0, root.find(':'));
    while (root.size() > 1 && root.ends_with('/'))
        root.pop_back();
    if (root.empty())
        return permanent("mail location has no path: " + std::string(location), "5.3.5");
    return root;
}

Result<void> make_folder_of(std::string_view location, const Options& options) {
    TRY(std::string root, folder_of(location));
    return maildir::make_directories(root, options.dir_mode);
}

Result<Delivered> deliver_blocking(const std::string& location, const Options& options,
                                   NewMessage message) {
    TRY(std::string root, folder_of(location));
    maildir::Tree tree(std::move(root), options);
    std::vector<NewMessage> messages;
    messages.push_back(std::move(message));
    TRY(auto appended, tree.append("INBOX", messages));
    return Delivered{appended.front(), tree.device()};
}

Result<void> has_room_blocking(const std::string& location, const Options& options,
                               std::uint64_t size) {
    TRY(std::string root, folder_of(location));
    return maildir::Tree(std::move(root), options).has_room("INBOX", size);
}

Task<Result<std::unique_ptr<Store>>> open_store(std::string location, Options options,
                                                WorkerPool& workers) {
    CO_TRY(std::string root, folder_of(location));
    std::unique_ptr<Store> store =
        std::make_unique<maildir::MaildirStore>(root, std::move(options), workers);
    co_return store;
}

}  // namespace facteur::store
