#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/table/dictionary.h"

/// What servers of tables say, as pure functions.
namespace facteur::table {

/// tcp_table(5) "ENCODING": %, spaces and what cannot be printed as %XX.
std::string percent_encoded(std::string_view text);
/// An Error for a % without two hexadecimal digits.
Result<std::string> percent_decoded(std::string_view text);

/// One reply line of tcp_table(5), without its newline.
Found parse_tcp_reply(std::string_view line);

std::string netstring(std::string_view text);
/// The length before the colon of a netstring, at most `limit`.
Result<std::size_t> parse_netstring_length(std::string_view digits, std::size_t limit);
/// The content of a reply of socketmap_table(5).
Found parse_socketmap_reply(std::string_view text);

/// The first line of memcached's answer to `get`.
struct MemcacheHeader {
    bool found = false;     ///< false: END
    std::size_t bytes = 0;  ///< of the value that follows
};
Result<MemcacheHeader> parse_memcache_header(std::string_view line, std::string_view key);
/// No spaces or control characters, at most 250 bytes: what memcached takes as a key.
bool is_memcache_key(std::string_view key);

}  // namespace facteur::table
