#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur {

/// RFC 4648 section 4, padded, on one line.
std::string base64_encode(std::string_view bytes);
/// Strict RFC 4648 section 4: padding needed, no other characters; nothing when it is not base64.
std::optional<std::string> base64_decode(std::string_view text);

std::string hex_encode(std::string_view bytes);  ///< lower case
std::optional<std::string> hex_decode(std::string_view text);

/// CRC32C (Castagnoli, RFC 3720 appendix B.4) over the bytes; `seed` is the CRC of what stands
/// before them, so pieces can be added one after the other.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

/// `count` random bytes from the kernel.
std::string random_bytes(std::size_t count);

}  // namespace facteur
