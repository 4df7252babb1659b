#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/spool/queue_id.h"

/// The bytes of journal/NNNNNN.log, version 1.  All numbers are little-endian.
///
/// A segment has a fixed size, is written with zeros when it is made and overwritten in each use:
///
///     0    header  "FACTEUR JOURNAL 1\n" (padded to 24), use u64, mark u64, size u64, 0 u32,
///                  CRC32C u32 of the 52 bytes before; zeros up to 512
///     512  records, each at a multiple of 8:
///          "FJR1", type u8, 0 u8[3], mark u64, length u32, durable u32, id u64 u32, head u32,
///          0 u32, CRC32C u32 of the 44 bytes before and the payload; then `length` bytes
///
/// `use` counts the uses of all segments and orders them; 0 says that nothing in it is needed.
/// `mark` is random and new in each use: a record with another mark is left from an earlier use,
/// and no sender can put bytes into a message that pass for a record.  `durable` says up to where
/// this segment was known to be on the disk when the record was written.
///
///     type  payload                                 meaning
///     M     envelope text (`head` bytes), content   a new message
///     S     text of a step (story.h)                something happened to its recipients
///     F     nothing                                 nothing more to do: forget it
///     X     nothing                                 it is in a file of its own now
///     K     nothing                                 only tells `durable`
///
/// What a crash can leave, and what replay makes of it:
///
///     found                                         what it was               what is done
///     header says use 0, or zeros                   free, or made and unused  free
///     header with a wrong CRC                       damage                    copied to corrupt/
///     record with another mark, or zeros            end of this use           stop
///     bad record, a good one behind, below its      damage                    copied to corrupt/,
///       `durable`                                                             go on behind it
///     bad record, not below any `durable`           never acknowledged        skipped
///     M without F or X behind                       accepted                  in the queue
///     M with F                                      done                      gone
///     M with X                                      moved out                 the file counts
///     M without X, and its file is there            moving out was cut        the file is removed
///     S or F without M                              its message has a file    applied to the file
///
/// Segments are recycled oldest first, each only when nothing in it is needed, and marked free on
/// the disk before the next: so an F never goes before its M.
namespace facteur::spool {

enum class RecordType : char {
    message = 'M',
    step = 'S',
    forget = 'F',
    moved = 'X',
    mark = 'K',
};

constexpr std::size_t kSegmentHeader = 512;
constexpr std::size_t kRecordHeader = 48;

struct SegmentHeader {
    std::uint64_t use = 0;  ///< 0: free
    std::uint64_t mark = 0;
    std::uint64_t size = 0;
};
/// kSegmentHeader bytes.
std::string encode(const SegmentHeader& header);
/// All zeros is a free segment of size 0.
Result<SegmentHeader> decode_segment_header(std::string_view bytes);

struct RecordHeader {
    RecordType type = RecordType::mark;
    QueueId id;
    std::uint32_t length = 0;
    std::uint32_t head = 0;  ///< M: length of the envelope
    std::uint32_t durable = 0;
};
/// Space that a record with this payload takes.
constexpr std::size_t record_size(std::size_t payload) {
    return (kRecordHeader + payload + 7) / 8 * 8;
}
/// Appends a whole record, padded; payload is first and second, one after the other.
void append_record(std::string& out, const RecordHeader& header, std::uint64_t mark,
                   std::string_view first, std::string_view second);
/// The record at this offset; nothing when there is none, or a damaged one.
std::optional<RecordHeader> record_at(std::string_view segment, std::size_t offset,
                                      std::uint64_t mark);

/// All that a segment holds.
struct Scan {
    struct Found {
        RecordHeader header;
        std::uint32_t offset = 0;  ///< of the record; its payload is kRecordHeader behind
    };
    struct Damage {
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
        bool acknowledged = false;  ///< it had been on the disk, whole
    };
    std::vector<Found> records;
    std::vector<Damage> damages;
    std::uint32_t end = kSegmentHeader;  ///< where the next record goes
};
Scan scan_segment(std::string_view segment, std::uint64_t mark);

}  // namespace facteur::spool
