#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/store/exchange/source.h"

namespace facteur::store::exchange {

/// Makes a folder whose messages keep the UIDs that another server gave them.  The messages are
/// gathered beside the folder, and an import that was cut off goes on there; the last step is a
/// rename (for INBOX: of each file, with the list of UIDs first), so that nobody sees half of it.
class Planter {
public:
    /// True when this folder is not there, or is an INBOX without a message.
    static bool is_free(const std::string& root, const std::string& dir);

    /// root: the Maildir; dir: the folder's directory, root itself for INBOX.
    static Result<Planter> begin(const std::string& root, const std::string& dir,
                                 std::uint32_t uid_validity, const std::string& hostname);
    bool has(std::uint32_t uid) const { return uids_.contains(uid); }
    Result<void> add(const SourceMessage& message);
    Result<void> finish(std::uint32_t uid_next);

private:
    Planter(std::string root, std::string dir, std::uint32_t uid_validity);
    std::uint64_t keyword_bits(const std::vector<std::string>& names);
    Result<void> load();
    Result<void> move_into_inbox();

    std::string root_;
    std::string dir_;
    std::string staging_;
    std::string hostname_;
    std::uint32_t uid_validity_;
    std::set<std::uint32_t> uids_;
    std::vector<std::string> keywords_;
};

/// The UIDs of this mailbox of the source below this one came into the folder with an earlier
/// import; 0: none did.  Kept in the folder's file facteur.imported.
std::uint32_t imported_below(const std::string& dir, const SourceMailbox& from);
Result<void> note_imported(const std::string& dir, const SourceMailbox& from,
                           std::uint32_t uid_next);

}  // namespace facteur::store::exchange
