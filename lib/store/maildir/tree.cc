#include "lib/store/maildir/tree.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <list>
#include <map>
#include <optional>
#include <set>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/mime/utf7.h"
#include "lib/store/flush.h"
#include "lib/store/maildir/expunged.h"
#include "lib/store/maildir/files.h"
#include "lib/store/maildir/names.h"
#include "lib/store/maildir/properties.h"
#include "lib/store/maildir/takeover.h"

namespace facteur::store::maildir {
namespace {

std::unexpected<Error> no_such_mailbox() {
    return permanent("Mailbox doesn't exist", "5.1.1");
}

/// Marks the levels that only exist because something is below them, and who has children.
void add_levels(std::map<std::string, MailboxInfo>& found, char separator) {
    std::map<std::string, MailboxInfo> levels;
    for (const auto& [name, info] : found) {
        if (!info.exists) continue;
        for (std::size_t at = name.rfind(separator); at != std::string::npos && at > 0;
             at = name.rfind(separator, at - 1)) {
            MailboxInfo level;
            level.name = name.substr(0, at);
            level.selectable = false;
            level.has_children = true;
            levels.emplace(level.name, level);
        }
    }
    for (auto& [name, level] : levels) {
        auto [at, added] = found.emplace(name, level);
        if (!added) {
            at->second.has_children = true;
            if (!at->second.exists) at->second = level, at->second.subscribed = true;
        }
    }
}

/// Folders by directory.  Shared by all sessions of the process: that is its purpose.
struct Registry {
    using Kept = std::list<std::shared_ptr<Folder>>;
    struct Slot {
        std::weak_ptr<Folder> folder;
        std::optional<Kept::iterator> kept;
    };
    std::mutex mutex;
    std::map<std::string, Slot> folders;
    Kept kept;  ///< open though nobody uses them, the last used first
    std::size_t limit = 0;

    static Registry& instance() {
        static Registry registry;
        return registry;
    }
    void let_go(Slot& slot) {
        if (slot.kept) kept.erase(*slot.kept);
        slot.kept.reset();
    }
    void keep(Slot& slot, const std::shared_ptr<Folder>& folder) {
        let_go(slot);
        if (limit == 0) return;
        kept.push_front(folder);
        slot.kept = kept.begin();
        shrink(limit);
    }
    void shrink(std::size_t most) {
        while (kept.size() > most)
            let_go(folders[kept.back()->dir()]);
    }
};

/// Above every UIDVALIDITY that this user's mailboxes ever had: the clock, or one more than the
/// last when mailboxes come faster than seconds.
std::uint32_t next_uid_validity(const std::string& root, unsigned file_mode) {
    auto now = static_cast<std::uint32_t>(std::time(nullptr));
    std::string path = root + "/facteur.uidvalidity";
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_mode));
    if (!fd || ::flock(fd.get(), LOCK_EX) != 0) return now;
    auto last = parse_number(trim(read_file(path, 64))).value_or(0);
    auto dovecot = std::strtoul(read_file(root + "/dovecot-uidvalidity", 64).c_str(), nullptr, 16);
    auto value = static_cast<std::uint32_t>(std::max<std::uint64_t>({now, last + 1, dovecot + 1}));
    std::string text = std::to_string(value) + "\n";
    if (::pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        log_warning("cannot write " + path);
    return value;
}

}  // namespace

std::shared_ptr<Folder> shared_folder(const std::string& dir, const FolderOptions& options) {
    Registry& registry = Registry::instance();
    std::lock_guard guard(registry.mutex);
    Registry::Slot& slot = registry.folders[dir];
    std::shared_ptr<Folder> folder = slot.folder.lock();
    if (!folder || folder->gone()) {
        folder = std::make_shared<Folder>(dir, options);
        slot.folder = folder;
    }
    registry.keep(slot, folder);
    if (registry.folders.size() > registry.limit + 1000)
        std::erase_if(registry.folders,
                      [](const auto& item) { return item.second.folder.expired(); });
    return folder;
}

void forget_folder(const std::string& dir) {
    Registry& registry = Registry::instance();
    std::lock_guard guard(registry.mutex);
    auto at = registry.folders.find(dir);
    if (at == registry.folders.end()) return;
    if (auto folder = at->second.folder.lock()) folder->set_gone();
    registry.let_go(at->second);
    registry.folders.erase(at);
}

void keep_folders(std::size_t most) {
    Registry& registry = Registry::instance();
    std::lock_guard guard(registry.mutex);
    registry.limit = most;
    registry.shrink(most);
}

void let_folders_go() {
    Registry& registry = Registry::instance();
    std::lock_guard guard(registry.mutex);
    registry.shrink(0);
}

Tree::Tree(std::string root, Options options)
    : root_(std::move(root)), options_(std::move(options)) {
    set_up_quota();
}

FolderOptions Tree::folder_options(const std::string& dir) const {
    FolderOptions options;
    options.hostname = options_.hostname;
    options.dir_mode = options_.dir_mode;
    options.file_mode = options_.file_mode;
    options.boot = boot_hash();
    options.keep_expunged = keep_expunged(options_.settings);
    if (options.keep_expunged > 0) options.expunged_dir = expunged_dir(root_, dir);
    options.new_uid_validity = [root = root_, mode = options_.file_mode] {
        return next_uid_validity(root, mode);
    };
    return options;
}

Result<std::string> Tree::dir_of(const std::string& name) const {
    auto folder = folder_name(name, options_.separator);
    if (!folder) return permanent("Invalid mailbox name", "5.1.3");
    return folder->empty() ? root_ : root_ + "/" + *folder;
}

Result<void> Tree::make_folder(const std::string& dir) const {
    TRY_VOID(make_directories(dir, options_.dir_mode));
    for (const char* sub : {"/cur", "/new", "/tmp"}) {
        TRY_VOID(make_directories(dir + sub, options_.dir_mode));
    }
    if (dir != root_) {
        // Maildir++ marks what is no Maildir of its own.
        Fd marker(::open((dir + "/maildirfolder").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC,
                         options_.file_mode));
        if (!marker) return system_error("create " + dir + "/maildirfolder");
    }
    return {};
}

Result<std::shared_ptr<Folder>> Tree::folder(const std::string& name) {
    TRY(std::string dir, dir_of(name));
    if (!is_directory(dir + "/cur")) {
        if (!is_inbox(name)) return no_such_mailbox();
        TRY_VOID(make_folder(dir));
    }
    return shared_folder(dir, folder_options(dir));
}

/// A failure is told: a client that saw no folders would throw away its copies of them.
Result<std::vector<std::string>> Tree::folders() const {
    std::vector<std::string> names;
    std::error_code failure;
    std::filesystem::directory_iterator entry(root_, failure);
    for (; entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
        std::string folder = entry->path().filename();
        auto name = mailbox_name(folder, options_.separator);
        if (name && !is_inbox(*name) && is_directory(root_ + "/" + folder + "/cur"))
            names.push_back(*name);
    }
    if (failure && failure != std::errc::no_such_file_or_directory)
        return temporary("read " + root_ + ": " + failure.message());
    return names;
}

/// Each role goes to one mailbox: the one it was given to, or else the one with the usual name.
Result<void> Tree::add_roles(std::map<std::string, MailboxInfo>& found) const {
    std::set<Role> given;
    for (auto& [name, info] : found) {
        if (!info.selectable || !info.exists) continue;
        TRY(std::string dir, dir_of(name));
        TRY(Properties known, read_properties(dir));
        auto use = known.find(kSpecialUse);
        if (use == known.end()) continue;
        info.role = role_named(use->second);
        given.insert(info.role);
    }
    for (auto& [name, info] : found) {
        Role role = role_of(name);
        bool is_free = info.role == Role::none && info.selectable && info.exists;
        if (role != Role::none && is_free && given.insert(role).second) info.role = role;
    }
    return {};
}

Result<Properties> Tree::properties(const std::string& name) const {
    if (name.empty()) return read_properties(root_, kStoreProperties);
    TRY(std::string dir, dir_of(name));
    if (!is_inbox(name) && !is_directory(dir + "/cur")) return no_such_mailbox();
    return read_properties(dir);
}

Result<void> Tree::set_properties(const std::string& name,
                                  const std::vector<PropertyChange>& changes, std::size_t most) {
    TRY(std::shared_ptr<Folder> there, folder(name.empty() ? "INBOX" : name));
    std::string dir = name.empty() ? root_ : there->dir();
    const char* file = name.empty() ? kStoreProperties : kFolderProperties;
    return change_properties(dir, changes, PropertyFile{file, most, options_.file_mode});
}

std::string Tree::id_of(const Folder& folder, std::uint32_t uid_validity) const {
    auto id = folder_id(folder.dir(), options_.file_mode);
    if (id) return *std::move(id);
    log_warning(id.error().text);
    return "F" + std::to_string(uid_validity);
}

Result<std::vector<std::string>> Tree::subscriptions() const {
    TRY(std::string text, read_optional(root_ + "/subscriptions"));
    std::vector<std::string> encoded = parse_subscriptions(text, options_.separator);
    struct stat found {};
    if (::stat((root_ + "/subscriptions").c_str(), &found) != 0) {
        TRY(text, read_optional(root_ + "/courierimapsubscribed"));
        encoded = parse_courier_subscribed(text, options_.separator);
    }
    std::vector<std::string> names;
    for (const std::string& name : encoded) {
        if (auto utf8 = mime::utf7_to_utf8(name))
            names.push_back(is_inbox(*utf8) ? "INBOX" : *utf8);
    }
    return names;
}

Result<std::vector<MailboxInfo>> Tree::list() const {
    std::map<std::string, MailboxInfo> found;
    MailboxInfo inbox;
    inbox.name = "INBOX";
    found.emplace(inbox.name, inbox);
    TRY(auto names, folders());
    for (std::string& name : names) {
        MailboxInfo info;
        info.name = name;
        found.emplace(std::move(name), std::move(info));
    }
    TRY(auto subscribed, subscriptions());
    for (const std::string& name : subscribed) {
        MailboxInfo info;
        info.name = name;
        info.exists = false;
        info.selectable = false;
        found.emplace(name, info).first->second.subscribed = true;
    }
    add_levels(found, options_.separator);
    TRY_VOID(add_roles(found));
    std::vector<MailboxInfo> out;
    for (auto& [name, info] : found)
        out.push_back(std::move(info));
    return out;
}

Result<void> Tree::create(const std::string& name) {
    std::string wanted = name;
    if (wanted.ends_with(options_.separator)) wanted.pop_back();  // RFC 3501 section 6.3.3
    TRY(std::string dir, dir_of(wanted));
    if (is_inbox(wanted) || is_directory(dir + "/cur"))
        return permanent("Mailbox already exists", "5.2.0");
    return make_folder(dir);
}

Result<void> Tree::remove(const std::string& name) {
    if (is_inbox(name)) return permanent("INBOX can't be deleted", "5.1.3");
    TRY(std::string dir, dir_of(name));
    if (!is_directory(dir)) return no_such_mailbox();
    // Two dots: no program takes it for a folder while it is being removed.
    std::string doomed = root_ + "/..facteur-deleted." + unique_name(options_.hostname);
    if (::rename(dir.c_str(), doomed.c_str()) != 0) return system_error("rename " + dir);
    forget_folder(dir);
    note_removed(name, dir, doomed);
    std::error_code failure;
    std::filesystem::remove_all(doomed, failure);
    if (failure) log_warning("cannot remove " + doomed + ": " + failure.message());
    return {};
}

Result<void> Tree::rename(const std::string& from, const std::string& to) {
    TRY(std::string from_dir, dir_of(from));
    TRY(std::string to_dir, dir_of(to));
    if (is_inbox(to) || is_directory(to_dir)) return permanent("Mailbox already exists", "5.2.0");
    const std::string below = from + options_.separator;
    std::vector<std::string> moving;
    TRY(auto names, folders());
    for (std::string& name : names)
        if (name == from || name.starts_with(below)) moving.push_back(std::move(name));
    if (moving.empty()) return no_such_mailbox();
    if (to.starts_with(below)) return permanent("Can't rename mailbox below itself", "5.1.3");
    std::sort(moving.begin(), moving.end());
    for (const std::string& name : moving) {
        TRY(std::string old_dir, dir_of(name));
        TRY(std::string new_dir, dir_of(to + name.substr(from.size())));
        if (::rename(old_dir.c_str(), new_dir.c_str()) != 0)
            return system_error("rename " + old_dir);
        forget_folder(old_dir);
    }
    return {};
}

Result<void> Tree::subscribe(const std::string& name, bool on) {
    TRY(std::string dir, dir_of(name));
    TRY(std::shared_ptr<Folder> inbox, folder("INBOX"));
    TRY(auto lock, index::FolderLock::take(root_, options_.file_mode));
    TRY(auto names, subscriptions());
    std::erase(names, name);
    if (on) names.push_back(name);
    // Dovecot's version 2: TABs between the levels, names in modified UTF-7.
    std::string text = "V\t2\n\n";
    for (const std::string& one : names) {
        std::string line = mime::utf8_to_utf7(one).value_or(one);
        std::replace(line.begin(), line.end(), options_.separator, '\t');
        text += line + "\n";
    }
    return replace_file(root_ + "/subscriptions", text, options_.file_mode);
}

Result<std::vector<Appended>> Tree::append(const std::string& name,
                                           const std::vector<NewMessage>& messages) {
    TRY(std::string dir, dir_of(name));
    MessageFile::Place place{dir, options_.hostname, options_.file_mode};
    if (is_inbox(name) && !is_directory(dir + "/tmp")) {
        TRY_VOID(make_folder(dir));
    }
    auto waits = [](const NewMessage& message) { return message.durability == Durability::later; };
    place.flushed_together = messages.size() >= kManyFiles;
    if (place.flushed_together || std::any_of(messages.begin(), messages.end(), waits)) {
        TRY(device_, hold_file_system(root_));
    }
    std::vector<MessageFile> files;
    std::vector<std::uint64_t> sizes;
    for (const NewMessage& message : messages) {
        TRY(MessageFile file, MessageFile::write(place, message));
        sizes.push_back(file.size());
        files.push_back(std::move(file));
    }
    if (quota_) {
        TRY_VOID(quota_->admit(is_inbox(name) ? "INBOX" : name, sizes));
    }
    if (place.flushed_together) {
        TRY_VOID(flush_file_system(device_));
    }
    std::shared_ptr<Folder> target = shared_folder(dir, folder_options(dir));
    auto appended = target->append(files, messages);
    // Out of descriptors or memory, perhaps: what is only kept must not be the reason.
    if (!appended) let_folders_go();
    if (appended && quota_) note_appended(name, *appended, sizes);
    return appended;
}

Result<void> Tree::flush() const {
    return flush_file_system(device_);
}

}  // namespace facteur::store::maildir
