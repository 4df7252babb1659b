#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::imap {

/// RFC 3501 section 2.3.2: the system flags as bits.
enum Flag : std::uint8_t {
    answered = 1,
    flagged = 2,
    deleted = 4,
    seen = 8,
    draft = 16,
    recent = 32,
};

/// System flags and keywords of one message or one request.
struct FlagList {
    std::uint8_t system = 0;
    std::vector<std::string> keywords;
    bool operator==(const FlagList&) const = default;
};

/// "\Seen" and the others, without regard to case; 0 for what is none of the six.
std::uint8_t system_flag(std::string_view name);
/// "(\Answered \Seen $Label)" in the order that Dovecot uses.
void append_flags(std::string& out, std::uint8_t system, const std::vector<std::string>& keywords);

}  // namespace facteur::imap
