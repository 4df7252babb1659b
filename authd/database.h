#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/event/task.h"
#include "lib/sasl/passwd_file.h"

namespace facteur::authd {

/// One passwd-file, read again when it has changed.
class PasswdDatabase {
public:
    explicit PasswdDatabase(std::string path) : path_(std::move(path)) {}

    const std::string& path() const { return path_; }
    /// The user's line, or nothing; Error when the file cannot be read (an old copy is kept and
    /// used while a new file cannot).
    Result<std::optional<sasl::PasswdEntry>> find(std::string_view user);
    /// The hash of some user, always the same one for the same `name`: what an unknown user's
    /// password is compared with, so that it costs what it costs for the known ones.
    std::string stand_in(std::string_view name) const;

private:
    struct Version {
        std::int64_t seconds = 0, nanoseconds = 0, size = -1;
        std::uint64_t inode = 0;
        bool operator==(const Version&) const = default;
    };
    Result<void> refresh();

    std::string path_;
    Version version_;
    std::unique_ptr<sasl::PasswdFile> file_;
    bool warned_ = false;
};

}  // namespace facteur::authd
