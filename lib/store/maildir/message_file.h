#pragma once

#include <cstdint>
#include <string>

#include "lib/base/result.h"
#include "lib/store/store.h"

namespace facteur::store::maildir {

/// A new message in tmp/ of a folder, not yet visible.  Removed when it is not moved.
class MessageFile {
public:
    struct Place {
        std::string dir;  ///< the folder
        std::string hostname;
        unsigned file_mode = 0600;
        /// Somebody flushes the whole file system before the message counts: see kManyFiles.
        bool flushed_together = false;
    };
    /// Writes prefix and content, computes size and summary.  A missing folder is a permanent
    /// Error 5.1.1.
    static Result<MessageFile> write(const Place& place, const NewMessage& message);

    MessageFile(MessageFile&& other) noexcept;
    MessageFile& operator=(MessageFile&& other) noexcept;
    ~MessageFile();

    /// Into new/ or, with flags, cur/ under its last name.  Returns that name.
    Result<std::string> publish(std::uint32_t uid, Flags flags, std::uint64_t keywords);
    /// Undoes publish(): for all-or-nothing.
    void withdraw();
    /// The message is recorded: the file stays.
    void keep() { path_.clear(); }

    /// Does that file hold, byte for byte, what was written here?  Before publish().
    Result<bool> same_as(const std::string& path) const;

    /// Takes the place of a file with the same content, and its date; does nothing when that file
    /// is not there any more.  Before publish().
    Result<void> replace(const std::string& path);

    std::uint64_t size() const { return size_; }
    const std::string& summary() const { return summary_; }
    std::int64_t date() const { return date_; }
    static bool goes_to_cur(Flags flags, std::uint64_t keywords) { return flags || keywords; }

private:
    MessageFile() = default;

    std::string dir_;
    std::string path_;  ///< where the file is now; empty when it is nobody's to remove
    std::string base_;
    std::string summary_;
    std::uint64_t size_ = 0;
    std::int64_t date_ = 0;
};

/// So many files are flushed faster with their whole file system than one by one.
constexpr std::size_t kManyFiles = 8;

/// "1700000000.M123456P789Q4.host": unique on this host.
std::string unique_name(const std::string& hostname);

/// Durable entries of new/ and cur/.
Result<void> flush_directory(const std::string& dir, std::string_view place);

}  // namespace facteur::store::maildir
