#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/config/param.h"

namespace facteur::store {

/// Parameters of every process that writes messages; the names are those of Dovecot's zlib plugin.
struct CompressionSettings : conf::Section {
    explicit CompressionSettings(Section& outer) : Section(outer) {}
    enum class Save { none, zstd };
    conf::Param<Save> save{
        params, "zlib_save", Save::none,
        conf::Choices<Save>{{"none", Save::none}, {"zstd", Save::zstd}},
        "How new messages are compressed in the mailboxes. Messages that gzip or zstd compressed, "
        "by Dovecot or by Facteur, can always be read."};
    conf::Param<int> level{params, "zlib_save_level", 3, conf::Range<int>{1, 19},
                           "How hard zlib_save tries: higher is smaller and slower."};
};

/// For this process from now on; a level of 0, as long as nobody calls it, compresses nothing.
void set_compression(const CompressionSettings& settings);
int compression_level();

/// A message begins with neither's signature.
bool is_compressed(std::string_view start);
/// As a zstd frame with a checksum.
std::string compress(std::string_view bytes, int level);
/// gzip or zstd, by its signature, of members or frames one after another; an Error when it is
/// broken or would become larger than `limit`.
Result<std::string> decompress(std::string_view bytes, std::size_t limit);

}  // namespace facteur::store
