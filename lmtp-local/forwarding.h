#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/ipc/ways/address.h"

namespace facteur::lmtp_local {

/// The lines of ~/.forward, read as local(8) does: addresses separated by commas or lines, "\name"
/// for the mailbox itself, "|command", "/file", ":include:/file", comments after "#".
std::vector<ipc::AliasTarget> parse_forward(std::string_view text);

/// What the :include: files of a ~/.forward may name besides addresses.
struct Included {
    bool commands = false;
    bool files = false;
};
/// `via` of what an :include: file of a ~/.forward lists.
inline constexpr std::string_view kIncludedVia = ":include:";
/// A ~/.forward as its user, who we are, reads it, with what its :include: files list.  Nothing
/// when there is none, or when somebody else could have written it.  Blocks.
std::optional<std::vector<ipc::AliasTarget>> read_forward_file(const std::string& path,
                                                               Included may);

/// A Delivered-To: field of this message has the address: it came back (mail forwarding loop).
bool was_delivered_to(int content, std::uint64_t offset, std::uint64_t size,
                      const std::string& address);

/// `fields`, then the content, in a sealed memory file.
Result<Fd> prefixed_copy(int content, std::uint64_t offset, std::uint64_t size,
                         std::string_view fields);

/// The queue id of what a recipient of a message was forwarded as: always the same, so that a
/// repeated delivery is one message to qmgr.  `part`: which, when there are several.
std::string forwarded_id(const std::string& queue_id, std::uint32_t recipient,
                         const std::string& part = std::string());

}  // namespace facteur::lmtp_local
