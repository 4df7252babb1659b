#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace facteur::smtp {

/// Reads the header of a content as it streams by and remembers what a server needs to know about
/// it: the hop count (RFC 5321 section 6.3) and which fields are missing (RFC 6409 section 8).
class HeaderScan {
public:
    void scan(std::string_view block);
    /// The empty line, or something that is no header field, was seen.
    bool done() const { return done_; }

    std::size_t received = 0;  ///< Received: fields
    bool has_date = false;
    bool has_message_id = false;
    bool has_from = false;
    bool has_recipient = false;  ///< To:, Cc: or Bcc:

private:
    static constexpr std::size_t kLongestName = 32;
    bool line_start(std::string_view& block);
    void field();

    std::string name_;           ///< what was read of the name at the start of this line
    bool at_line_start_ = true;  ///< otherwise in the rest of a line
    bool first_line_ = true;
    bool done_ = false;
};

}  // namespace facteur::smtp
