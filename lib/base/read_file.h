#pragma once

#include <cstddef>
#include <string>

#include "lib/base/result.h"

namespace facteur {

/// The whole file.  What errno tells is in the Error (a missing file, too); a file of more than
/// `limit` bytes is a permanent one.  Blocks.
Result<std::string> read_file(const std::string& path, std::size_t limit = std::size_t{256} << 20);

/// What comes until the other side closes, or the file ends.  Blocks.
Result<std::string> read_to_end(int fd, std::size_t limit = std::size_t{256} << 20);

}  // namespace facteur
