#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/spool/files.h"
#include "lib/spool/journal_format.h"

namespace facteur::spool {

/// One journal/NNNNNN.log that is open.
struct Segment {
    unsigned number = 0;
    Fd fd;
    std::uint32_t size = 0;
    std::uint64_t use = 0;  ///< 0: free
    std::uint64_t mark = 0;
    std::uint32_t used = kSegmentHeader;  ///< where the next record goes
    std::uint32_t durable = 0;            ///< what stands before is on the disk
    /// Messages that live here, and steps that are nowhere else yet: while there is one, the
    /// segment cannot be recycled.
    std::uint32_t live = 0;
    /// Folders whose names must be on the disk before the records here may go: they hold what
    /// makes the records unnecessary.
    std::set<std::string> folders;
};

/// Where the journal is, and where what is damaged goes.
struct JournalFolders {
    std::string journal = "journal";
    std::string corrupt = "corrupt";
};

/// Makes a free segment with this number.  It is written with zeros: posix_fallocate(3) would leave
/// extents that each first write has to convert, and fdatasync(2) then waits for the file system's
/// own journal (measured: three times slower).  Blocks.
Result<std::unique_ptr<Segment>> make_segment(Files& files, const std::string& folder,
                                              unsigned number, std::uint32_t size);

/// Nothing in the segment is needed: says so on the disk.  Blocks.
Result<void> free_segment(Files& files, Segment& segment);

/// What open_segments() shows, oldest first; payload is valid during the call.
using VisitRecord =
    std::function<void(Segment& segment, const Scan::Found& found, std::string_view payload)>;

/// Opens all segments and replays those in use.  What is damaged is copied to corrupt/ and logged.
/// Returned in the order of their use, free ones first.  Blocks.
Result<std::vector<std::unique_ptr<Segment>>> open_segments(Files& files,
                                                            const JournalFolders& folders,
                                                            const VisitRecord& visit);

/// Saves bytes as corrupt/NAME and logs why; a failure is logged only.
void keep_corrupt(Files& files, const std::string& folder, const std::string& name,
                  std::string_view bytes, std::string_view why);

}  // namespace facteur::spool
