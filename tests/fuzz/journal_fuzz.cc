// Segments of the journal: whatever bytes are on the disk, replay finds whole records or none.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/spool/journal_format.h"

using namespace facteur::spool;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    auto header = decode_segment_header(input);
    std::uint64_t mark = header ? header->mark : 7;
    Scan scan = scan_segment(input, mark);
    std::size_t end = kSegmentHeader;
    for (const Scan::Found& found : scan.records) {
        if (found.offset < end || found.offset % 8 != 0) std::abort();
        end = found.offset + kRecordHeader + found.header.length;
        if (end > input.size() || found.header.head > found.header.length) std::abort();
    }
    // What is written is read again, whatever its content.
    std::string segment(kSegmentHeader, '\0');
    append_record(segment, RecordHeader(), 7, input, input);
    if (scan_segment(segment, 7).records.size() != 1) std::abort();
    return 0;
}
