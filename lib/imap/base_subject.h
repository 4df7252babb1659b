#pragma once

#include <string>
#include <string_view>

namespace facteur::imap {

/// RFC 5256 section 2.1: a subject without what replies and forwarding put around it.
struct BaseSubject {
    std::string text;
    bool is_reply = false;  ///< something of a reply or a forwarded message was removed
    bool operator==(const BaseSubject&) const = default;
};

/// `subject` is unfolded, in UTF-8, its encoded words decoded.
BaseSubject base_subject(std::string_view subject);

}  // namespace facteur::imap
