#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "lib/spool/files.h"

namespace facteur::spool {

/// For tests: does what Files does and remembers each call, so that the disk can be built anew as
/// a power cut at any moment may have left it.
///
/// The model: what was flushed is there.  Of what was written since, any 512-byte sectors may be
/// there.  Changes of names become durable in their order (a journalling file system), at the
/// latest when their folder is flushed.
class PowerCutFiles : public Files {
public:
    Result<Fd> open(const std::string& path, int flags, unsigned mode = 0600) override;
    Result<void> write(int fd, std::string_view bytes, std::uint64_t offset) override;
    Result<void> truncate(int fd, std::uint64_t size) override;
    Result<void> flush(int fd) override;
    Result<void> rename(const std::string& from, const std::string& to) override;
    Result<void> remove(const std::string& path) override;
    Result<void> flush_folder(const std::string& path) override;
    Result<void> make_folder(const std::string& path, unsigned mode) override;

    /// Calls so far; a moment in time.
    std::size_t now() const;
    /// Builds in folder `root` what is on the disk after a cut at that moment.
    void materialise(const std::string& root, std::size_t moment, std::mt19937& random) const;

private:
    enum class Kind { create, write, truncate, flush, rename, remove, flush_folder, make_folder };
    struct Event {
        Kind kind;
        std::uint64_t inode = 0;
        std::string path;
        std::string target;
        std::string bytes;
        std::uint64_t offset = 0;
    };
    struct Disk;

    void remember(Event event);
    static std::uint64_t inode_of(int fd);

    mutable std::mutex mutex_;
    std::vector<Event> events_;
};

}  // namespace facteur::spool
