#include "lib/store/memory_store.h"

#include <algorithm>

#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/store/index/summary_codec.h"

namespace facteur::store {

struct MemoryStore::Folder {
    struct Entry {
        Message message;
        std::string text;
    };
    std::string name;
    std::string id;
    Properties properties;
    std::uint32_t uid_validity = 0;
    std::uint32_t uid_next = 1;
    std::uint32_t told_recent = 0;  ///< UIDs up to this one have been \Recent somewhere
    std::uint64_t modseq = 1;
    bool is_gone = false;
    std::map<std::uint32_t, Entry> entries;
    std::vector<std::string> keywords;
    std::set<Signal*> watchers;

    std::uint32_t add(NewMessage message);
    std::uint64_t bits_of(const std::vector<std::string>& names);
    void changed() {
        ++modseq;
        for (Signal* watcher : watchers)
            watcher->notify_all();
    }
};

namespace {

using Folder = MemoryStore::Folder;

std::string read_all(int fd) {
    std::string text;
    char block[65536];
    for (;;) {
        ssize_t count = ::pread(fd, block, sizeof block, static_cast<off_t>(text.size()));
        if (count <= 0) return text;
        text.append(block, static_cast<std::size_t>(count));
    }
}

std::unexpected<Error> expunged() {
    return permanent("Message is expunged", "5.7.0");
}

}  // namespace

std::uint64_t MemoryStore::Folder::bits_of(const std::vector<std::string>& names) {
    std::uint64_t bits = 0;
    for (const std::string& keyword : names) {
        auto found = std::find_if(keywords.begin(), keywords.end(),
                                  [&](const std::string& k) { return iequals(k, keyword); });
        auto index = static_cast<std::size_t>(found - keywords.begin());
        if (index >= kMaxKeywords) continue;
        if (found == keywords.end()) keywords.push_back(keyword);
        bits |= std::uint64_t{1} << index;
    }
    return bits;
}

std::uint32_t MemoryStore::Folder::add(NewMessage added) {
    Entry entry;
    entry.text = added.prefix + (added.content ? read_all(added.content.get()) : added.bytes);
    entry.message.uid = uid_next++;
    entry.message.flags = added.flags;
    entry.message.keywords = bits_of(added.keywords);
    entry.message.internal_date = added.internal_date.value_or(
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
    entry.message.save_date =
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    entry.message.size = entry.text.size();
    entry.message.modseq = modseq + 1;
    std::uint32_t uid = entry.message.uid;
    entries[uid] = std::move(entry);
    changed();
    return uid;
}

/// One view of a folder.
class MemoryMailbox : public Mailbox {
public:
    MemoryMailbox(MemoryStore& store, std::shared_ptr<Folder> folder, bool read_only)
        : store_(store), folder_(std::move(folder)), read_only_(read_only) {
        folder_->watchers.insert(&changed_);
        take_new();
        told_keywords_ = folder_->keywords.size();
    }
    ~MemoryMailbox() override { folder_->watchers.erase(&changed_); }

    const std::string& name() const override { return folder_->name; }
    bool read_only() const override { return read_only_; }
    const std::string& id() const override { return folder_->id; }
    std::uint32_t uid_validity() const override { return folder_->uid_validity; }
    std::uint32_t uid_next() const override { return folder_->uid_next; }
    std::uint64_t highest_modseq() const override { return folder_->modseq; }
    std::uint32_t size() const override { return static_cast<std::uint32_t>(view_.size()); }
    std::uint32_t recent() const override {
        return static_cast<std::uint32_t>(
            std::count_if(view_.begin(), view_.end(), [](const Message& m) { return m.recent; }));
    }
    std::uint32_t uid(std::uint32_t sequence) const override { return view_[sequence - 1].uid; }
    std::uint32_t sequence_from(std::uint32_t uid) const override {
        auto found = std::lower_bound(view_.begin(), view_.end(), uid,
                                      [](const Message& m, std::uint32_t u) { return m.uid < u; });
        return static_cast<std::uint32_t>(found - view_.begin()) + 1;
    }
    Message message(std::uint32_t sequence) const override;
    const std::vector<std::string>& keywords() const override { return folder_->keywords; }
    Task<Result<Changes>> sync(bool expunges) override;
    Signal& changed() override { return changed_; }
    Task<Result<Content>> content(std::uint32_t uid) override;
    Task<Result<void>> read(std::vector<std::uint32_t> uids, Reader reader) override {
        for (std::uint32_t uid : uids) {
            auto found = folder_->entries.find(uid);
            if (found != folder_->entries.end()) reader(uid, found->second.text);
        }
        co_return Result<void>();
    }
    Task<Result<Summary>> summary(std::uint32_t uid) override;
    bool peek(std::uint32_t uid,
              const std::function<void(const SummaryView&)>& visit) const override;
    Task<Result<void>> summarize(std::vector<std::uint32_t>) override { co_return Result<void>(); }
    Task<Result<void>> measure(std::vector<std::uint32_t>) override { co_return Result<void>(); }
    Task<Result<StoreOutcome>> store(std::vector<std::uint32_t> uids, FlagChange change) override;
    Task<Result<std::vector<std::uint32_t>>> expunge(
        std::optional<std::vector<std::uint32_t>> uids) override;
    Task<Result<CopyOutcome>> copy(std::vector<std::uint32_t> uids, std::string target) override;
    Task<Result<CopyOutcome>> move(std::vector<std::uint32_t> uids, std::string target) override;
    Task<void> close() override { co_return; }

private:
    bool take_new();

    MemoryStore& store_;
    std::shared_ptr<Folder> folder_;  ///< shared with the store and other views
    bool read_only_;
    std::size_t told_keywords_ = 0;
    std::vector<Message> view_;  ///< as the session was told
    Signal changed_;
};

bool MemoryMailbox::take_new() {
    std::uint32_t last = view_.empty() ? 0 : view_.back().uid;
    bool found = false;
    for (auto at = folder_->entries.upper_bound(last); at != folder_->entries.end(); ++at) {
        Message message = at->second.message;
        message.recent = message.uid > folder_->told_recent;
        if (!read_only_) folder_->told_recent = std::max(folder_->told_recent, message.uid);
        view_.push_back(message);
        found = true;
    }
    return found;
}

Message MemoryMailbox::message(std::uint32_t sequence) const {
    Message message = view_[sequence - 1];
    auto found = folder_->entries.find(message.uid);
    message.expunged = found == folder_->entries.end();
    if (message.expunged) return message;
    bool recent = message.recent;
    message = found->second.message;
    message.recent = recent;
    return message;
}

Task<Result<Changes>> MemoryMailbox::sync(bool expunges) {
    Changes changes;
    changes.gone = folder_->is_gone;
    for (std::size_t i = view_.size(); expunges && i-- > 0;) {
        if (folder_->entries.contains(view_[i].uid)) continue;
        changes.expunged.push_back(static_cast<std::uint32_t>(i + 1));
        changes.expunged_uids.push_back(view_[i].uid);
        view_.erase(view_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    changes.exists = take_new();
    for (std::size_t i = 0; i < view_.size(); ++i) {
        Message now = message(static_cast<std::uint32_t>(i + 1));
        bool differs = now.flags != view_[i].flags || now.keywords != view_[i].keywords;
        if (differs && !now.expunged) changes.flags.push_back(static_cast<std::uint32_t>(i + 1));
        view_[i] = now;
    }
    changes.keywords = told_keywords_ != folder_->keywords.size();
    told_keywords_ = folder_->keywords.size();
    co_return changes;
}

Task<Result<Content>> MemoryMailbox::content(std::uint32_t uid) {
    auto found = folder_->entries.find(uid);
    if (found == folder_->entries.end()) co_return expunged();
    const std::string& text = found->second.text;
    Content content;
    content.fd.reset(::memfd_create("message", MFD_CLOEXEC));
    if (::write(content.fd.get(), text.data(), text.size()) < 0) co_return system_error("memfd");
    content.size = text.size();
    co_return content;
}

Task<Result<Summary>> MemoryMailbox::summary(std::uint32_t uid) {
    auto found = folder_->entries.find(uid);
    if (found == folder_->entries.end()) co_return expunged();
    co_return index::make_summary({}, found->second.text);
}

bool MemoryMailbox::peek(std::uint32_t uid,
                         const std::function<void(const SummaryView&)>& visit) const {
    auto found = folder_->entries.find(uid);
    if (found == folder_->entries.end()) return false;
    std::string bytes = index::encode_summary(index::make_summary({}, found->second.text));
    auto view = index::view_summary(bytes);
    if (view) visit(*view);
    return view.has_value();
}

Task<Result<StoreOutcome>> MemoryMailbox::store(std::vector<std::uint32_t> uids,
                                                FlagChange change) {
    if (read_only_) co_return permanent("Mailbox is read-only");
    StoreOutcome outcome;
    std::uint64_t bits = folder_->bits_of(change.keywords);
    for (std::uint32_t uid : uids) {
        auto found = folder_->entries.find(uid);
        if (found == folder_->entries.end()) continue;
        Message& message = found->second.message;
        Message before = message;
        if (change.unchanged_since && message.modseq > *change.unchanged_since) {
            outcome.modified.push_back(uid);
            continue;
        }
        if (change.mode == FlagChange::Mode::remove) {
            message.flags &= static_cast<Flags>(~change.flags);
            message.keywords &= ~bits;
        } else {
            if (change.mode == FlagChange::Mode::replace) message.flags = 0;
            if (change.mode == FlagChange::Mode::replace) message.keywords = 0;
            message.flags |= change.flags;
            message.keywords |= bits;
        }
        if (before.flags != message.flags || before.keywords != message.keywords) {
            outcome.changed.push_back(uid);
            message.modseq = outcome.modseq = folder_->modseq + 1;
        }
        std::uint32_t sequence = sequence_from(uid);
        view_[sequence - 1].flags = message.flags;
        view_[sequence - 1].keywords = message.keywords;
    }
    if (!outcome.changed.empty()) folder_->changed();
    told_keywords_ = folder_->keywords.size();
    co_return outcome;
}

Task<Result<std::vector<std::uint32_t>>> MemoryMailbox::expunge(
    std::optional<std::vector<std::uint32_t>> uids) {
    if (read_only_) co_return permanent("Mailbox is read-only");
    std::vector<std::uint32_t> gone;
    for (const auto& [uid, entry] : folder_->entries) {
        bool named = !uids || std::find(uids->begin(), uids->end(), uid) != uids->end();
        if (named && (entry.message.flags & deleted)) gone.push_back(uid);
    }
    for (std::uint32_t uid : gone)
        folder_->entries.erase(uid);
    if (!gone.empty()) folder_->changed();
    co_return gone;
}

Task<Result<CopyOutcome>> MemoryMailbox::copy(std::vector<std::uint32_t> uids, std::string target) {
    Folder* into = store_.find(target);
    if (into == nullptr) co_return permanent("Mailbox doesn't exist: " + target, "5.1.2");
    CopyOutcome outcome;
    outcome.uid_validity = into->uid_validity;
    for (std::uint32_t uid : uids) {
        auto found = folder_->entries.find(uid);
        if (found == folder_->entries.end()) co_return expunged();
    }
    for (std::uint32_t uid : uids) {
        const Folder::Entry& entry = folder_->entries[uid];
        NewMessage message;
        message.bytes = entry.text;
        message.flags = entry.message.flags;
        message.internal_date = entry.message.internal_date;
        outcome.source.push_back(uid);
        outcome.target.push_back(into->add(std::move(message)));
    }
    co_return outcome;
}

Task<Result<CopyOutcome>> MemoryMailbox::move(std::vector<std::uint32_t> uids, std::string target) {
    auto outcome = co_await copy(uids, std::move(target));
    if (!outcome) co_return outcome;
    for (std::uint32_t uid : uids)
        folder_->entries.erase(uid);
    folder_->changed();
    co_return outcome;
}

class MemoryWatch : public Watch {
public:
    explicit MemoryWatch(std::shared_ptr<Folder> folder) : folder_(std::move(folder)) {
        folder_->watchers.insert(&changed_);
    }
    ~MemoryWatch() override { folder_->watchers.erase(&changed_); }
    Signal& changed() override { return changed_; }

private:
    Signal changed_;
    std::shared_ptr<Folder> folder_;  ///< shared with the store
};

Task<Result<std::unique_ptr<Watch>>> MemoryStore::watch(std::string name) {
    Folder* folder = find(name);
    if (!name.empty() && folder == nullptr) {
        co_return permanent("Mailbox doesn't exist: " + name, "5.1.1");
    }
    std::unique_ptr<Watch> watch =
        std::make_unique<MemoryWatch>(name.empty() ? names_ : folders_[folder->name]);
    co_return watch;
}

void MemoryStore::names_changed() {
    names_->changed();
}

MemoryStore::MemoryStore() : names_(std::make_shared<Folder>()) {
    auto inbox = std::make_shared<Folder>();
    inbox->name = "INBOX";
    inbox->uid_validity = next_validity_++;
    inbox->id = "F" + std::to_string(inbox->uid_validity);
    folders_["INBOX"] = std::move(inbox);
}

MemoryStore::~MemoryStore() = default;

MemoryStore::Folder* MemoryStore::find(const std::string& name) const {
    auto found = folders_.find(iequals(name, "INBOX") ? "INBOX" : name);
    return found == folders_.end() ? nullptr : found->second.get();
}

Task<Result<std::vector<MailboxInfo>>> MemoryStore::list() {
    std::map<std::string, MailboxInfo> all;
    auto add = [&](const std::string& name, bool exists) {
        MailboxInfo& info = all[name];
        info.name = name;
        info.exists = exists;
        info.selectable = exists;
        info.subscribed = subscribed_.contains(name);
        if (name == "Sent") info.role = Role::sent;
        Folder* folder = find(name);
        if (exists && folder != nullptr && folder->properties.contains(kSpecialUse)) {
            info.role = role_named(folder->properties.find(kSpecialUse)->second);
        }
    };
    for (const std::string& name : subscribed_)
        add(name, false);
    for (const auto& [name, folder] : folders_)
        add(name, true);
    for (const auto& [name, folder] : folders_) {
        for (std::size_t end = name.find('.'); end != std::string::npos;
             end = name.find('.', end + 1)) {
            std::string level = name.substr(0, end);
            if (!folders_.contains(level)) add(level, true);
            all[level].selectable = folders_.contains(level);
            all[level].has_children = true;
        }
    }
    std::vector<MailboxInfo> list;
    for (auto& [name, info] : all)
        list.push_back(std::move(info));
    co_return list;
}

Task<Result<void>> MemoryStore::create(std::string name) {
    if (name.empty() || name.find("..") != std::string::npos) {
        co_return permanent("Invalid mailbox name", "5.1.3");
    }
    if (find(name) != nullptr) co_return permanent("Mailbox already exists", "5.2.0");
    auto folder = std::make_shared<Folder>();
    folder->name = name;
    folder->uid_validity = next_validity_++;
    folder->id = "F" + std::to_string(folder->uid_validity);
    folders_[name] = std::move(folder);
    names_changed();
    co_return Result<void>();
}

Task<Result<void>> MemoryStore::remove(std::string name) {
    if (name == "INBOX") co_return permanent("INBOX can't be deleted.", "5.1.3");
    Folder* folder = find(name);
    if (folder == nullptr) co_return permanent("Mailbox doesn't exist: " + name, "5.1.1");
    folder->is_gone = true;
    folder->changed();
    folders_.erase(name);
    names_changed();
    co_return Result<void>();
}

Task<Result<void>> MemoryStore::rename(std::string from, std::string to) {
    if (find(from) == nullptr) co_return permanent("Mailbox doesn't exist: " + from, "5.1.1");
    if (find(to) != nullptr) co_return permanent("Target mailbox already exists", "5.2.0");
    auto moved = folders_.extract(from);
    moved.key() = to;
    moved.mapped()->name = to;
    folders_.insert(std::move(moved));
    names_changed();
    co_return Result<void>();
}

Task<Result<void>> MemoryStore::subscribe(std::string name, bool on) {
    if (on) {
        subscribed_.insert(name);
    } else {
        subscribed_.erase(name);
    }
    names_changed();
    co_return Result<void>();
}

Task<Result<Properties>> MemoryStore::properties(std::string name) {
    Folder* folder = find(name);
    if (!name.empty() && folder == nullptr) {
        co_return permanent("Mailbox doesn't exist: " + name, "5.1.1");
    }
    co_return name.empty() ? properties_ : folder->properties;
}

Task<Result<void>> MemoryStore::set_properties(std::string name,
                                               std::vector<PropertyChange> changes,
                                               std::size_t most) {
    Folder* folder = find(name);
    if (!name.empty() && folder == nullptr) {
        co_return permanent("Mailbox doesn't exist: " + name, "5.1.1");
    }
    Properties& old = name.empty() ? properties_ : folder->properties;
    Properties changed = old;
    for (const PropertyChange& change : changes) {
        changed.erase(change.name);
        if (change.value) changed[change.name] = *change.value;
    }
    if (changed.size() > most) co_return permanent("Too many annotations", "5.2.2");
    old = std::move(changed);
    (name.empty() ? *names_ : *folder).changed();
    co_return Result<void>();
}

Task<Result<std::unique_ptr<Mailbox>>> MemoryStore::open(std::string name, bool read_only) {
    Folder* folder = find(name);
    if (folder == nullptr) co_return permanent("Mailbox doesn't exist: " + name, "5.1.1");
    std::unique_ptr<Mailbox> mailbox =
        std::make_unique<MemoryMailbox>(*this, folders_[folder->name], read_only);
    co_return mailbox;
}

Task<Result<MailboxStatus>> MemoryStore::status(std::string name) {
    Folder* folder = find(name);
    if (folder == nullptr) co_return permanent("Mailbox doesn't exist: " + name, "5.1.1");
    MailboxStatus status;
    status.uid_validity = folder->uid_validity;
    status.id = folder->id;
    status.uid_next = folder->uid_next;
    status.highest_modseq = folder->modseq;
    for (const auto& [uid, entry] : folder->entries) {
        ++status.messages;
        if (!(entry.message.flags & seen)) ++status.unseen;
        if (entry.message.flags & deleted) ++status.deleted;
        status.size += entry.message.size;
        if (entry.message.flags & deleted) status.deleted_size += entry.message.size;
        if (uid > folder->told_recent) ++status.recent;
    }
    co_return status;
}

Task<Result<Appended>> MemoryStore::append(std::string name, NewMessage message) {
    Folder* folder = find(name);
    if (folder == nullptr) co_return permanent("Mailbox doesn't exist: " + name, "5.1.2");
    Appended appended;
    appended.uid_validity = folder->uid_validity;
    appended.uid = folder->add(std::move(message));
    co_return appended;
}

Task<Result<std::vector<Appended>>> MemoryStore::append_all(std::string name,
                                                            std::vector<NewMessage> messages) {
    std::vector<Appended> all;
    for (NewMessage& message : messages) {
        auto one = co_await append(name, std::move(message));
        if (!one) co_return std::unexpected(one.error());
        all.push_back(*one);
    }
    co_return all;
}

Task<Result<void>> MemoryStore::flush() {
    co_return Result<void>();
}

std::uint32_t MemoryStore::deliver(const std::string& name, std::string text) {
    NewMessage message;
    message.bytes = std::move(text);
    return find(name)->add(std::move(message));
}

void MemoryStore::take_away(const std::string& name, std::uint32_t uid) {
    find(name)->entries.erase(uid);
    find(name)->changed();
}

}  // namespace facteur::store
