#include "lib/spool/journal_format.h"

#include <catch2/catch.hpp>

using namespace facteur::spool;

namespace {

constexpr std::uint64_t kMark = 0x1122334455667788u;

RecordHeader record(RecordType type, std::uint64_t n, std::uint32_t durable = 0) {
    RecordHeader header;
    header.type = type;
    header.id = QueueId{n, 7};
    header.durable = durable;
    return header;
}

std::string three_records() {
    std::string segment = encode(SegmentHeader{3, kMark, 4096});
    append_record(segment, record(RecordType::message, 1), kMark, "envelope", "content\r\n");
    append_record(segment, record(RecordType::step, 1), kMark, "step", "");
    append_record(segment, record(RecordType::forget, 1), kMark, "", "");
    return segment;
}

}  // namespace

TEST_CASE("records are read as they were written", "[spool]") {
    std::string segment = three_records();
    segment.resize(4096, '\0');
    auto header = decode_segment_header(segment);
    REQUIRE(header);
    CHECK(header->use == 3);
    CHECK(header->mark == kMark);
    CHECK(header->size == 4096);
    Scan scan = scan_segment(segment, kMark);
    REQUIRE(scan.records.size() == 3);
    CHECK(scan.damages.empty());
    CHECK(scan.records[0].header.type == RecordType::message);
    CHECK(scan.records[0].header.head == 8);
    CHECK(scan.records[0].header.length == 17);
    CHECK(segment.substr(scan.records[0].offset + kRecordHeader, 17) == "envelopecontent\r\n");
    CHECK(scan.records[2].header.type == RecordType::forget);
    CHECK((scan.records[2].header.id == QueueId{1, 7}));
    CHECK(scan.end == three_records().size());
}

TEST_CASE("a segment cut at any byte gives only whole records", "[spool]") {
    std::string segment = three_records();
    std::size_t first = kSegmentHeader + record_size(17);
    std::size_t second = first + record_size(4);
    for (std::size_t n = kSegmentHeader; n < segment.size(); ++n) {
        std::string cut = segment.substr(0, n);
        cut.resize(segment.size(), '\0');
        std::size_t whole = scan_segment(cut, kMark).records.size();
        // Padding behind the payload may be missing.
        CHECK(whole <= (n > second ? 2u + (n >= second + kRecordHeader) : n > first ? 2u : 1u));
        if (n >= first) CHECK(whole >= 1);
        if (n >= second) CHECK(whole >= 2);
    }
}

TEST_CASE("no flipped bit gets a wrong record through", "[spool]") {
    const std::string good = three_records();
    for (std::size_t at = kSegmentHeader; at < kSegmentHeader + kRecordHeader + 17; ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string bad = good;
            bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
            Scan scan = scan_segment(bad, kMark);
            REQUIRE(scan.records.size() == 2);
            REQUIRE(scan.damages.size() == 1);
            CHECK(scan.damages[0].begin == kSegmentHeader);
            CHECK(scan.damages[0].end == kSegmentHeader + record_size(17));
        }
    }
}

TEST_CASE("damage below a later record's durable mark was acknowledged", "[spool]") {
    std::string segment = encode(SegmentHeader{1, kMark, 4096});
    append_record(segment, record(RecordType::message, 1), kMark, "e", "one");
    auto durable = static_cast<std::uint32_t>(segment.size());
    append_record(segment, record(RecordType::message, 2, durable), kMark, "e", "two");
    std::size_t second = durable;
    append_record(segment, record(RecordType::message, 3, durable), kMark, "e", "three");
    std::string first_bad = segment;
    first_bad[kSegmentHeader + kRecordHeader] ^= 1;
    CHECK(scan_segment(first_bad, kMark).damages.at(0).acknowledged);
    std::string second_bad = segment;
    second_bad[second + kRecordHeader] ^= 1;
    CHECK_FALSE(scan_segment(second_bad, kMark).damages.at(0).acknowledged);
}

TEST_CASE("what an earlier use left behind is no record", "[spool]") {
    std::string old = encode(SegmentHeader{1, kMark + 1, 8192});
    for (std::uint64_t i = 0; i < 20; ++i)
        append_record(old, record(RecordType::message, i), kMark + 1, "env", std::string(100, 'x'));
    std::string now = three_records();
    old.replace(0, now.size(), now);
    Scan scan = scan_segment(old, kMark);
    CHECK(scan.records.size() == 3);
    CHECK(scan.damages.empty());
    CHECK(scan.end == now.size());
}

TEST_CASE("segment headers: zeros are free, damage is an error", "[spool]") {
    CHECK(decode_segment_header(std::string(512, '\0'))->use == 0);
    CHECK_FALSE(decode_segment_header(std::string(511, '\0')));
    std::string good = encode(SegmentHeader{9, kMark, 1 << 20});
    for (std::size_t at = 0; at < 56; ++at) {
        std::string bad = good;
        bad[at] ^= 0x10;
        CHECK_FALSE(decode_segment_header(bad));
    }
}
