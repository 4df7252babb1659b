#include <algorithm>
#include <filesystem>

#include <sys/stat.h>

#include "lib/base/log.h"
#include "lib/store/maildir/expunged.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/names.h"
#include "lib/store/maildir/tree.h"

namespace facteur::store::maildir {
namespace {

/// Of these messages.
quota::Usage usage_of(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& sizes,
                      const std::vector<std::uint32_t>& ascending_uids) {
    quota::Usage out;
    for (const auto& [uid, size] : sizes) {
        if (!std::binary_search(ascending_uids.begin(), ascending_uids.end(), uid)) continue;
        out.bytes += static_cast<std::int64_t>(size);
        ++out.messages;
    }
    return out;
}

std::vector<std::uint64_t> only_sizes(
    const std::vector<std::pair<std::uint32_t, std::uint64_t>>& sizes) {
    std::vector<std::uint64_t> out;
    for (const auto& [uid, size] : sizes)
        out.push_back(size);
    return out;
}

}  // namespace

std::vector<std::pair<std::uint32_t, std::uint64_t>> Folder::file_sizes(
    const std::optional<std::vector<std::uint32_t>>& uids) const {
    std::vector<std::pair<std::uint32_t, std::uint64_t>> out;
    std::vector<std::pair<std::size_t, std::string>> unknown;
    {
        std::lock_guard guard(state_mutex_);
        auto take = [&](const index::Entry& entry) {
            auto size = parse_file_name(state_.name(entry)).size;
            if (!size) {
                const std::string place(place_name(entry.place));
                const std::string name(state_.name(entry));
                unknown.emplace_back(out.size(), dir_ + "/" + place + "/" + name);
            }
            out.emplace_back(entry.uid, size.value_or(entry.size));
        };
        if (uids) {
            for (std::uint32_t uid : *uids)
                if (const index::Entry* entry = state_.find(uid)) take(*entry);
        } else {
            state_.each([&](const index::Entry& entry) {
                if (entry.flags & deleted) take(entry);
            });
        }
    }
    for (const auto& [at, path] : unknown) {
        struct stat found {};
        if (::stat(path.c_str(), &found) == 0)
            out[at].second = static_cast<std::uint64_t>(found.st_size);
    }
    return out;
}

void Tree::set_up_quota() {
    auto rules = quota::Rules::parse(options_.settings);
    if (!rules) log_error("user " + options_.user + ": " + rules.error().text);
    if (!rules || !*rules) return;
    quota_ = std::make_unique<quota::Keeper>(
        root_, **std::move(rules), options_.separator, options_.file_mode,
        [this](const quota::Warning& warning) {
            log_info("quota(" + options_.user + "): warning: " + warning.command);
            if (options_.quota_warning) options_.quota_warning(warning.command);
        });
}

Result<std::vector<QuotaRoot>> Tree::quota() {
    std::vector<QuotaRoot> out;
    if (!quota_) return out;
    TRY(quota::Usage usage, quota_->usage());
    QuotaRoot root;
    root.name = quota_->rules().name();
    root.bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(usage.bytes, 0));
    root.messages = static_cast<std::uint64_t>(std::max<std::int64_t>(usage.messages, 0));
    root.byte_limit = quota_->rules().limits().bytes;
    root.message_limit = quota_->rules().limits().messages;
    out.push_back(std::move(root));
    return out;
}

Result<void> Tree::has_room(const std::string& name, std::uint64_t size) {
    return quota_ ? quota_->admit(is_inbox(name) ? "INBOX" : name, {size}) : Result<void>();
}

void Tree::note_appended(const std::string& name, const std::vector<Appended>& appended,
                         const std::vector<std::uint64_t>& sizes) {
    quota::Usage more;
    for (std::size_t i = 0; i < appended.size(); ++i) {
        if (appended[i].duplicate) continue;
        more.bytes += static_cast<std::int64_t>(sizes[i]);
        ++more.messages;
    }
    quota_->changed(is_inbox(name) ? "INBOX" : name, more);
}

void Tree::note_removed(const std::string& name, const std::string& dir,
                        const std::string& doomed) {
    quota::Usage gone;
    FolderOptions options;
    options.dir_mode = options_.dir_mode;
    options.keep_expunged = keep_expunged(options_.settings);
    if (options.keep_expunged > 0) options.expunged_dir = expunged_dir(root_, dir);
    if (!quota_ && options.expunged_dir.empty()) return;
    for (const char* sub : {"/new", "/cur"}) {
        std::vector<std::string> paths;
        std::error_code failure;
        std::filesystem::directory_iterator entry(doomed + sub, failure);
        for (; entry != std::filesystem::directory_iterator(); entry.increment(failure))
            paths.push_back(entry->path());
        for (const std::string& path : paths) {
            struct stat found {};
            const std::string file = path.substr(path.rfind('/') + 1);
            if (file.starts_with('.') || ::stat(path.c_str(), &found) != 0) continue;
            const auto size =
                parse_file_name(file).size.value_or(static_cast<std::uint64_t>(found.st_size));
            gone.bytes += static_cast<std::int64_t>(size);
            ++gone.messages;
            if (!options.expunged_dir.empty()) discard(path, options);
        }
    }
    if (quota_) quota_->changed(name, -gone);
}

Result<std::vector<std::uint32_t>> Tree::expunge(
    const std::string& name, Folder& folder,
    const std::optional<std::vector<std::uint32_t>>& uids) {
    std::vector<std::pair<std::uint32_t, std::uint64_t>> sizes;
    if (quota_) sizes = folder.file_sizes(uids);
    TRY(auto expunged, folder.expunge(uids));
    if (quota_) quota_->changed(name, -usage_of(sizes, expunged));
    return expunged;
}

/// RFC 3501 section 6.4.7: the client is told to create it.
Result<std::shared_ptr<Folder>> Tree::copy_target(const std::string& name) {
    auto target = folder(name);
    if (!target && !target.error().is_temporary()) target.error().status = "5.1.2";
    return target;
}

Result<CopyOutcome> Tree::copy(Folder& source, const std::vector<std::uint32_t>& uids,
                               const std::string& target) {
    TRY(auto folder, copy_target(target));
    if (!quota_) return source.copy_to(*folder, uids);
    const std::string into = is_inbox(target) ? "INBOX" : target;
    const std::vector<std::uint64_t> sizes = only_sizes(source.file_sizes(uids));
    TRY_VOID(quota_->admit(into, sizes));
    TRY(CopyOutcome outcome, source.copy_to(*folder, uids));
    quota_->changed(into, quota::sum(sizes));
    return outcome;
}

Result<CopyOutcome> Tree::move(const std::string& name, Folder& source,
                               const std::vector<std::uint32_t>& uids, const std::string& target) {
    TRY(auto folder, copy_target(target));
    const std::string into = is_inbox(target) ? "INBOX" : target;
    quota::Usage moved;
    if (quota_) {
        const std::vector<std::uint64_t> sizes = only_sizes(source.file_sizes(uids));
        moved = quota::sum(sizes);
        // What moves frees what it took, unless that did not count.
        const bool counted = !quota_->rules().ignored(name);
        const quota::Limits there = quota_->rules().limits_in(into);
        if (!counted || there != quota_->rules().limits_in(name)) {
            TRY_VOID(quota_->admit(into, sizes, counted ? moved : quota::Usage()));
        }
    }
    TRY(CopyOutcome outcome, source.copy_to(*folder, uids));
    // The copies are durable: only now may the originals go.
    auto expunged = source.expunge(outcome.source, true);
    if (quota_) {
        quota_->changed(into, moved);
        if (expunged) quota_->changed(name, -moved);
    }
    if (!expunged) return std::unexpected(std::move(expunged).error());
    return outcome;
}

}  // namespace facteur::store::maildir
