#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/base/result.h"

namespace facteur::store::maildir {

/// UIDs that another server gave, by message key.
using UidMap = std::unordered_map<std::string, std::uint32_t>;

/// What another server left in a folder.
struct Legacy {
    std::uint32_t uid_validity = 0;  ///< 0: nothing there
    std::uint32_t next_uid = 1;
    UidMap uids;
    std::unordered_map<std::string, std::uint32_t> wire_sizes;
    std::vector<std::string> keywords;  ///< by letter: 0 is 'a'
    /// Courier keeps keywords beside the files: names by message key.
    std::unordered_map<std::string, std::vector<std::string>> message_keywords;
};

/// dovecot-uidlist (version 3, and the older 1), else courierimapuiddb; keywords of both.  An Error
/// when one is there and cannot be read: new UIDs would make every client fetch its mail again.
Result<Legacy> read_legacy(const std::string& dir);

/// The parsers alone.
bool parse_dovecot_uidlist(std::string_view text, Legacy& legacy);
bool parse_courier_uiddb(std::string_view text, Legacy& legacy);
void parse_dovecot_keywords(std::string_view text, Legacy& legacy);
void parse_courier_keywords(std::string_view text, Legacy& legacy);

/// dovecot-keywords: what the letters in the file names mean, in every program's words.
std::string format_dovecot_keywords(const std::vector<std::string>& keywords);

/// Subscriptions of Dovecot (both versions) or Courier, as mailbox names in modified UTF-7 with
/// `separator` between the levels.
std::vector<std::string> parse_subscriptions(std::string_view text, char separator);
std::vector<std::string> parse_courier_subscribed(std::string_view text, char separator);

}  // namespace facteur::store::maildir
