#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/store/store.h"

namespace facteur::store::maildir {

/// Maildir++: ".Archive.2026" is the folder of mailbox Archive, below it 2026; names in modified
/// UTF-7, as Dovecot and Courier write them.  Nothing when a client's name cannot be a folder.
std::optional<std::string> folder_name(std::string_view mailbox, char separator);
/// The mailbox of a folder's directory (which starts with a dot); nothing when it is none.
std::optional<std::string> mailbox_name(std::string_view folder, char separator);

bool is_inbox(std::string_view mailbox);
/// What a mailbox of this name is for, by the names that mail programs use.
Role role_of(std::string_view mailbox);

}  // namespace facteur::store::maildir
