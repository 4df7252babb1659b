#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/time.h"

namespace facteur::spool {

/// Everything that the spool asks of the file system so as to change it, one virtual function a
/// system call: a test records the calls and materialises each state that a power cut can leave.
/// Errors are temporary; a full disk or an exhausted quota has status 4.3.1.  Thread-safe.
class Files {
public:
    Files() = default;
    virtual ~Files() = default;
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;

    /// open(2); flags as there, O_CLOEXEC and O_NOFOLLOW are added.
    virtual Result<Fd> open(const std::string& path, int flags, unsigned mode = 0600);
    /// All bytes at this place, or an error.
    virtual Result<void> write(int fd, std::string_view bytes, std::uint64_t offset);
    virtual Result<void> truncate(int fd, std::uint64_t size);
    /// Content and size are on the disk when it returns: fdatasync(2).
    virtual Result<void> flush(int fd);
    virtual Result<void> rename(const std::string& from, const std::string& to);
    /// Succeeds when the file is not there.
    virtual Result<void> remove(const std::string& path);
    /// The names in this folder are on the disk when it returns.
    virtual Result<void> flush_folder(const std::string& path);
    /// Makes it, or finds it there.
    virtual Result<void> make_folder(const std::string& path, unsigned mode);
    /// The modification time, to the second: when a queue file is due.
    virtual Result<void> set_time(const std::string& path, std::int64_t when);
};

/// Reading changes nothing, so these are plain functions.
Result<Fd> open_to_read(const std::string& path);
/// Exactly n bytes at this place; a file that ends before is an error.
Result<std::string> read_exactly(int fd, std::uint64_t offset, std::size_t n);
/// The names in a folder, without "." and ".."; an absent folder is empty.
std::vector<std::string> names_in(const std::string& folder);
/// Times in seconds, size; -1 when it is not there.
struct FileState {
    std::int64_t modified = -1;
    std::int64_t changed = -1;  ///< ctime: it, or what is known of it
    std::int64_t size = -1;
    unsigned uid = 0;
};
FileState state_of(const std::string& path);
/// Bytes that an unprivileged process may still write to the file system of this folder.
std::uint64_t free_space(const std::string& folder);

}  // namespace facteur::spool
