#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace facteur::checks {

/// Contents are read and written in pieces of this size.
inline constexpr std::uint64_t kBlock = std::uint64_t{64} << 10;

/// At this place of a content `size` bytes go, and `text` comes.
struct Edit {
    std::uint64_t at = 0;
    std::uint64_t size = 0;
    std::string text;
    bool operator==(const Edit&) const = default;
};

/// Changes to one content, in the order of their places; several may be at the same place.  They
/// never overlap.
using Edits = std::vector<Edit>;

/// One stretch of a content with its edits done: of the content, or `text`.
struct Piece {
    std::uint64_t at = 0;
    std::uint64_t size = 0;
    std::string text;  ///< when it is not empty, there is nothing of the content
    bool operator==(const Piece&) const = default;
};

/// What a reader of the content must put together.
std::vector<Piece> pieces(std::uint64_t size, const Edits& edits);
std::uint64_t size_after(std::uint64_t size, const Edits& edits);

/// Does them in a file whose content begins at `base` and is `size` bytes long, in place and with
/// little memory: the content must not be there twice.  What the file is good for after an Error is
/// unknown.  size becomes what it is afterwards; nothing is left behind it.
Result<void> apply(int fd, std::uint64_t base, std::uint64_t& size, const Edits& edits);

/// All bytes at that place, or an Error.
Result<void> read_at(int fd, std::string& bytes, std::uint64_t offset);
Result<void> write_at(int fd, std::string_view bytes, std::uint64_t offset);

}  // namespace facteur::checks
