#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/store/maildir/folder.h"
#include "lib/store/quota/keeper.h"
#include "lib/store/store.h"

namespace facteur::store::maildir {

/// The Maildir++ of one user: its folders by mailbox name.  Everything blocks.
class Tree {
public:
    Tree(std::string root, Options options);

    char separator() const { return options_.separator; }
    Result<std::vector<MailboxInfo>> list() const;
    Result<void> create(const std::string& name);
    Result<void> remove(const std::string& name);
    /// Not for INBOX, whose messages move instead.
    Result<void> rename(const std::string& from, const std::string& to);
    Result<void> subscribe(const std::string& name, bool on);
    Result<Properties> properties(const std::string& name) const;
    Result<void> set_properties(const std::string& name, const std::vector<PropertyChange>& changes,
                                std::size_t most);
    /// RFC 8474 section 4.1.  `uid_validity` helps where nothing can be written.
    std::string id_of(const Folder& folder, std::uint32_t uid_validity) const;
    /// Permanent Error 5.1.1 when there is no such mailbox.  INBOX is made.
    Result<std::shared_ptr<Folder>> folder(const std::string& name);
    Result<std::vector<Appended>> append(const std::string& name,
                                         const std::vector<NewMessage>& messages);
    // tree_quota.cc: what a view does, with the quota and what is kept of expunged mail.
    Result<std::vector<std::uint32_t>> expunge(
        const std::string& name, Folder& folder,
        const std::optional<std::vector<std::uint32_t>>& uids);
    /// A missing target: 5.1.2.
    Result<CopyOutcome> copy(Folder& source, const std::vector<std::uint32_t>& uids,
                             const std::string& target);
    Result<CopyOutcome> move(const std::string& name, Folder& source,
                             const std::vector<std::uint32_t>& uids, const std::string& target);
    Result<std::vector<QuotaRoot>> quota();
    Result<void> has_room(const std::string& name, std::uint64_t size);

    /// Everything that was appended so far in this file system is on disk.
    Result<void> flush() const;
    /// Of the file system, known once something was appended.
    std::uint64_t device() const { return device_; }

private:
    Result<std::string> dir_of(const std::string& name) const;
    Result<void> make_folder(const std::string& dir) const;
    Result<std::vector<std::string>> folders() const;
    Result<void> add_roles(std::map<std::string, MailboxInfo>& found) const;
    Result<std::vector<std::string>> subscriptions() const;
    FolderOptions folder_options(const std::string& dir) const;
    Result<std::shared_ptr<Folder>> copy_target(const std::string& name);
    void note_appended(const std::string& name, const std::vector<Appended>& appended,
                       const std::vector<std::uint64_t>& sizes);
    /// Before the files of a deleted mailbox go from `doomed`.
    void note_removed(const std::string& name, const std::string& dir, const std::string& doomed);
    /// Errors in what is configured are the administrator's: nothing is refused for them.
    void set_up_quota();

    const std::string root_;
    const Options options_;
    std::atomic<std::uint64_t> device_{0};
    std::unique_ptr<quota::Keeper> quota_;
};

/// The Folder of a directory, shared by all who have it open in this process.
std::shared_ptr<Folder> shared_folder(const std::string& dir, const FolderOptions& options);
/// Up to so many folders stay open after their last use, so that the next delivery need not read
/// their index again; a stat(2) tells whether it still is the same.
void keep_folders(std::size_t most);
/// Closes those that nobody uses now.
void let_folders_go();
/// Whoever has it open must let go: it was deleted or renamed.
void forget_folder(const std::string& dir);

}  // namespace facteur::store::maildir
