#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::store::maildir {

/// The whole file, at most `limit` bytes; empty when there is none.
std::string read_file(const std::string& path, std::size_t limit = std::size_t{256} << 20);
/// The same for what decides: empty when there is none, an Error when nobody can tell (no
/// descriptors, no permission, a bad disk).
Result<std::string> read_optional(const std::string& path);
/// Through a temporary file and a rename, flushed.
Result<void> replace_file(const std::string& path, std::string_view text, unsigned mode);

bool is_directory(const std::string& path);
/// Like mkdir -p; what is there already is fine.
Result<void> make_directories(const std::string& path, unsigned mode);

/// What /proc says about the running kernel, hashed.  FACTEUR_BOOT_ID in the
/// environment wins: a simulated power cut is a new boot.
std::uint64_t boot_hash();

}  // namespace facteur::store::maildir
