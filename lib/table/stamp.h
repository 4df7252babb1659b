#pragma once

#include <cstdint>
#include <optional>
#include <string>

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

}  // namespace facteur::table
