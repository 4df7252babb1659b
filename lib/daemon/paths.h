#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::daemon {

/// The paths for a sandbox rule in one entry of a privilege table.  A literal entry is itself.  An
/// entry with "$parameter" is expanded, and every absolute path in it counts, as in
/// "hash:/etc/aliases, maildir:/srv/mail/%d/%n": a folder is itself, and a file stands for its
/// folder, because tables are replaced by renaming.
std::vector<std::string> paths_of(const std::string& entry,
                                  const std::function<std::string(std::string_view)>& expand);

}  // namespace facteur::daemon
