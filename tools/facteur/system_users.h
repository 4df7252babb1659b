#pragma once

#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/daemon/settings.h"

namespace facteur::tool {

struct MissingAccounts {
    std::vector<std::string> users;
    std::vector<std::string> groups;
    bool empty() const { return users.empty() && groups.empty(); }
};

/// The accounts that the daemons of a root-started system run as and that do not exist.
MissingAccounts missing_accounts(const daemon::Settings& settings);

/// groupadd and useradd --system for each of them.
Result<void> make_accounts(const MissingAccounts& missing);

}  // namespace facteur::tool
