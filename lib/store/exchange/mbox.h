#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/store/exchange/source.h"

namespace facteur::store::exchange {

/// "From a@b  Mon Jan  1 00:00:00 2024": the seconds, as UTC; nothing when it is no such line.
std::optional<std::int64_t> parse_from_line(std::string_view line);

/// Takes messages off the text of an mbox file, one at a time.
class MboxReader {
public:
    explicit MboxReader(std::string_view text) : rest_(text) {}
    /// False at the end.  Flags are taken from Status:, X-Status: and X-Keywords:, UIDs from X-UID:
    /// and X-IMAP: (or X-IMAPbase:), which are then dropped, as Dovecot and UW-IMAP write them;
    /// so is the quoting of From_ lines (">From").
    bool next(SourceMessage& message);
    /// Of X-IMAPbase:, once its message was read; 0: none.
    std::uint32_t uid_validity() const { return uid_validity_; }
    std::uint32_t uid_next() const { return uid_next_; }
    /// The reader's place: what was left out is an internal message of UW-IMAP or of nobody.
    std::size_t left() const { return rest_.size(); }

private:
    std::string_view take_raw();
    bool take_field(std::string_view line, SourceMessage& message);

    std::string_view rest_;
    std::uint32_t uid_validity_ = 0;
    std::uint32_t uid_next_ = 0;
};

/// A file, or a folder with one mbox file a mailbox (and folders below, INBOX being "inbox").
std::unique_ptr<Source> open_mbox(std::string path);

/// One message in mbox form (mboxrd: ">*From " gets one more ">"), with what MboxReader takes back.
struct MboxEntry {
    std::string_view bytes;
    Flags flags = 0;
    std::vector<std::string> keywords;
    std::int64_t date = 0;
    std::uint32_t uid = 0;
    std::uint32_t uid_validity = 0;  ///< not 0 in the first: X-IMAPbase: is written
    std::uint32_t uid_next = 0;
};
std::string to_mbox(const MboxEntry& entry);

}  // namespace facteur::store::exchange
