#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/client.h"
#include "lmtp-local/local_delivery.h"
#include "lmtp-local/settings.h"

namespace facteur::lmtp_local {

/// Where a virtual user's mail is, as tables say.
struct VirtualMailbox {
    std::string path;  ///< with / at the end a Maildir
    Identity owner;
};

/// virtual(8): mailboxes below virtual_mailbox_base, owners from virtual_uid_maps and
/// virtual_gid_maps.
class VirtualMailboxes {
public:
    VirtualMailboxes(const Settings& settings, ipc::Client& addressd);

    /// Whether tables say where mailboxes are, rather than authd.
    bool in_use() const;
    /// Nothing: there is no such user.  Error 4.3.5: the tables make no sense.
    Task<Result<std::optional<VirtualMailbox>>> find(std::string address);

private:
    Task<Result<std::uint32_t>> number(const std::vector<std::string>& tables, std::string address,
                                       const char* what, int least);
    Task<Result<std::optional<std::string>>> look_up(const std::vector<std::string>& tables,
                                                     std::string address);

    const Settings& settings_;
    ipc::Client& addressd_;
};

/// The path that a table's value means below `base`; Error 4.3.5: it leads out of it.
Result<std::string> mailbox_path(std::string_view base, std::string_view value);

}  // namespace facteur::lmtp_local
