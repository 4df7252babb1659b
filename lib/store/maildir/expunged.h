#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/store/maildir/folder.h"

namespace facteur::store::maildir {

/// mail_expunged_keep_time among the settings, in seconds.
std::int64_t keep_expunged(const std::vector<std::string>& settings);

/// Expunged mail stays in ROOT/facteur.expunged/INBOX or …/.Folder, which no program takes for
/// mailboxes, as TIME_NAME: when it was expunged, and its file's name.
std::string expunged_dir(const std::string& root, const std::string& dir);

/// What an expunge does with a message's file: removes it, or puts it aside.  Also looks once a
/// day for what has been kept long enough.
bool discard(const std::string& path, const FolderOptions& options);

/// One message that is kept.
struct Kept {
    std::string path;
    std::string folder;  ///< "" for INBOX, ".Archive"
    std::string name;    ///< of the file in its folder
    std::int64_t expunged = 0;
    std::uint64_t size = 0;
};
/// By time.
Result<std::vector<Kept>> list_kept(const std::string& root);
/// Back into a folder's directory (with cur/): the folder's next look finds it as a new message
/// with its old flags and date, without \Deleted.  One rename: a crash leaves it here or there.
Result<void> restore(const Kept& kept, const std::string& dir);
/// Removes what was expunged before this time; how many.
std::size_t purge_kept(const std::string& root, std::int64_t before);

}  // namespace facteur::store::maildir
