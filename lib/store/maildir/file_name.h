#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur::store::maildir {

/// A Maildir file name taken apart: "1700000000.M1P2.host,S=10,W=12,U=3:2,FS".
struct FileName {
    std::string_view base;                   ///< before the ":"
    std::string_view letters;                ///< after ":2,"; empty when there is none
    std::optional<std::uint64_t> size;       ///< ,S=
    std::optional<std::uint64_t> wire_size;  ///< ,W=
    std::optional<std::uint32_t> uid;        ///< ,U=
};
FileName parse_file_name(std::string_view name);

/// What names one message for ever, whatever happens to its flags and UID: the base without ,U=.
std::string message_key(std::string_view name);

/// The base with this UID in it (replacing another).
std::string with_uid(std::string_view base, std::uint32_t uid);

/// Flags of RFC 3501 in the letters; keyword letters a…z are the bits 0…25.
std::uint8_t flags_of(std::string_view letters);
std::uint64_t keywords_of(std::string_view letters);
/// ":2," and the letters for these flags; letters in `old_letters` that mean nothing to us stay.
std::string info_suffix(std::uint8_t flags, std::uint64_t keywords, std::string_view old_letters);

/// Made by our own delivery: such a key is remembered after its message has gone.
bool is_delivery_key(std::string_view key);
/// The key's part that is the same whenever the delivery is repeated.
std::string delivery_key(std::string_view delivery_id);

/// Maildir names begin with the second in which the file came into the folder; 0 when this one does
/// not.
std::int64_t name_time(std::string_view name);

}  // namespace facteur::store::maildir
