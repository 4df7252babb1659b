#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/result.h"

namespace facteur::table {

/// Tells whether a file is still the one that was read.
struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t modified = 0;  ///< nanoseconds
    std::uint64_t size = 0;

    static std::optional<Stamp> of(const std::string& path);
    static std::optional<Stamp> of(int fd);
    bool operator==(const Stamp&) const = default;
};

/// The whole file; an Error with the reason.
Result<std::string> read_file(const std::string& path);

}  // namespace facteur::table
