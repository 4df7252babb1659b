#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::tool {

/// What sendmail(1) knows of its caller and was told.
struct DraftWishes {
    bool extract_recipients = false;  ///< -t
    std::string sender;               ///< envelope sender; for a From: that is missing
    std::string full_name;            ///< -F
    std::string origin;               ///< domain of addresses without one
    std::string message_id;           ///< without brackets, for a Message-Id: that is missing
    std::string date;                 ///< for a Date: that is missing
};

/// A message as it goes to the queue, and who gets it.
struct Draft {
    std::string content;
    std::vector<std::string> recipients;  ///< found by -t
};

/// Completes the header of a message that a local program wrote: Date:, From: and Message-Id: are
/// added when they are missing (RFC 6409 section 8), Bcc: is removed, a mbox "From " line too, and
/// an empty line is put between header and body when there is none.  With -t the recipients are
/// those of To:, Cc: and Bcc:, or of the Resent- fields when there are any.  Line ends stay as they
/// are.
Draft make_draft(std::string_view input, const DraftWishes& wishes);

}  // namespace facteur::tool
