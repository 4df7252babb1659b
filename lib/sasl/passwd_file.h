#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/base/result.h"

namespace facteur::sasl {

/// One line of a passwd-file in Dovecot's format:
///     user:password:uid:gid:gecos:home:shell:extra_fields
/// where extra_fields are "name=value" or "name", separated by spaces.
struct PasswdEntry {
    std::string user;
    std::string password;  ///< "{SCHEME}hash"
    std::string uid;
    std::string gid;
    std::string gecos;
    std::string home;
    std::string shell;
    std::vector<std::pair<std::string, std::string>> extra;

    /// The value of an extra field ("" for one without value), or nothing.
    std::optional<std::string_view> field(std::string_view name) const;
    bool operator==(const PasswdEntry&) const = default;
};

/// Nothing for an empty line and for a comment.  Missing fields are empty.
std::optional<PasswdEntry> parse_passwd_line(std::string_view line);
/// Without empty fields at the end.
std::string to_line(const PasswdEntry& entry);

/// A whole file in memory, indexed by user: a line is taken apart only when it is asked for, so
/// that 100,000 users are read in milliseconds.
class PasswdFile {
public:
    PasswdFile() = default;
    explicit PasswdFile(std::string text);
    PasswdFile(PasswdFile&&) = delete;  // the index points into the text

    /// The last line counts when a user stands there twice, as in Dovecot.
    std::optional<PasswdEntry> find(std::string_view user) const;
    std::size_t size() const { return lines_.size(); }
    /// Some user's entry, always the same for the same seed; nothing in an empty file.
    std::optional<PasswdEntry> sample(std::size_t seed) const;
    /// In the order of the file, each user once.
    std::vector<std::string_view> users() const;

private:
    std::string text_;
    std::unordered_map<std::string_view, std::string_view> lines_;
};

/// May this stand as a user name in the file: no colon, no control characters, not a comment.
bool is_user_name(std::string_view user);

// Changes of the file's text that leave comments, order and all other lines as they are.

/// The user's line replaced, or the line added at the end.
std::string with_user(std::string_view text, const PasswdEntry& entry);
/// All lines of the user taken out; Error when there is none.
Result<std::string> without_user(std::string_view text, std::string_view user);

}  // namespace facteur::sasl
