#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/store/index/format.h"

namespace facteur::store::index {

/// What takes up the content of an index file.
class Sink {
public:
    virtual ~Sink() = default;
    /// A file begins: forget everything.  False when the snapshot behind the header is broken.
    virtual bool begin(const Header& header, int fd) = 0;
    /// False when the record cannot be right.
    virtual bool apply(const RecordView& record, std::uint64_t offset) = 0;
};

/// `facteur.index` of one folder: reads what came since the last time, appends.  Who appends
/// holds the FolderLock; reading needs none.
class IndexFile {
public:
    explicit IndexFile(std::string dir);

    enum class Found { good, missing, broken, damaged };
    /// Feeds the sink what is new.  missing, broken: there is no usable file.  damaged (only with
    /// the lock held): the end was torn and has been cut off.
    Result<Found> refresh(Sink& sink, bool locked);
    /// Adds the records at the end and feeds them to the sink; all or nothing.
    Result<void> append(const RecordWriter& records, Sink& sink);
    Result<void> flush();
    /// Replaces the file: flushed (if `flush`), then renamed.  `records` must have been made with
    /// the header's log_id.  The next refresh() reads it from the start.
    Result<void> replace(Header header, std::string_view body, const RecordWriter& records,
                         unsigned file_mode, bool flush = true);

    std::uint64_t log_id() const { return log_id_; }
    /// Bytes of records behind the snapshot.
    std::uint64_t log_size() const { return offset_ - log_start_; }
    std::uint64_t snapshot_size() const { return log_start_; }
    /// File size and inode that were read up to, to compare with stat(2).
    std::uint64_t position() const { return offset_; }
    std::uint64_t inode() const { return inode_; }
    const std::string& path() const { return path_; }
    int fd() const { return fd_.get(); }
    /// Gives the descriptor back until the next refresh().
    void release() { fd_.reset(); }

private:
    Result<Found> open_file(Sink& sink);
    Result<Found> read_log(Sink& sink, bool locked);

    std::string dir_;
    std::string path_;
    Fd fd_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    std::uint64_t log_id_ = 0;
    std::uint64_t log_start_ = 0;
    std::uint64_t offset_ = 0;  ///< behind the last record that the sink has
};

/// Random, never 0.
std::uint64_t new_id();

}  // namespace facteur::store::index
