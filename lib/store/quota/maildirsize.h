#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/store/quota/rules.h"

namespace facteur::store::quota {

/// The file `maildirsize` of a Maildir++: its first line is the quota ("1000000S,1000C"), and each
/// further one what was added or removed ("1234 1", "-1234 -1").  Dovecot, Courier and others keep
/// it in the same way, so that all agree.  Everything blocks.
class MaildirSize {
public:
    /// `ignored` tells by a folder's directory ("" for INBOX, ".Trash") whether it counts nowhere.
    MaildirSize(std::string root, Limits limits, std::function<bool(std::string_view)> ignored,
                unsigned mode);

    /// The sum of the file's lines; counted anew from the Maildir when the file is missing, was
    /// written for another quota, has grown too long, or says for some time that the quota is
    /// exceeded.
    Result<Usage> read();
    /// The same; nothing where read() would count.
    Result<std::optional<Usage>> recorded();
    /// Counts the Maildir and writes the file.
    Result<Usage> count();
    /// Adds a line.  Without a file nothing happens: the next read() counts.
    Result<void> add(const Usage& change);

private:
    bool too_full(const Usage& usage) const;

    const std::string root_;
    const Limits limits_;
    const std::function<bool(std::string_view)> ignored_;
    const unsigned mode_;
};

/// What the text of the file says.
struct SizeFile {
    Limits limits;
    Usage usage;
    std::size_t lines = 0;  ///< without the first
};
std::optional<SizeFile> parse_maildirsize(std::string_view text);
/// "1000000S,1000C"; "NOQUOTA" without limits, as Courier writes.
std::string format_limits(const Limits& limits);

/// The size in a message file's name (",S="); nothing when there is none.
std::optional<std::uint64_t> size_in_name(std::string_view name);

}  // namespace facteur::store::quota
