#include "lib/spool/journal_format.h"

#include <algorithm>
#include <cstring>

#include "lib/base/encoding.h"

namespace facteur::spool {
namespace {

constexpr std::string_view kMagic = "FACTEUR JOURNAL 1\n";
constexpr std::string_view kRecordMagic = "FJR1";
constexpr std::size_t kCheckedHeader = 52;
constexpr std::size_t kCheckedRecord = 44;

template <class T>
void put(std::string& out, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        out += static_cast<char>(value >> (8 * i) & 0xFF);
}

template <class T>
T get(std::string_view bytes, std::size_t at) {
    T value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;)
        value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[at + i]));
    return value;
}

constexpr bool is_type(char c) {
    return std::string_view("MSFXK").find(c) != std::string_view::npos;
}

}  // namespace

std::string encode(const SegmentHeader& header) {
    std::string out(kMagic);
    out.resize(24, '\0');
    put(out, header.use);
    put(out, header.mark);
    put(out, header.size);
    put(out, std::uint32_t{0});
    put(out, crc32c(out));
    out.resize(kSegmentHeader, '\0');
    return out;
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes) {
    SegmentHeader header;
    if (bytes.size() < kSegmentHeader) return permanent("journal segment: too short");
    bytes = bytes.substr(0, kSegmentHeader);
    if (bytes.find_first_not_of('\0') == std::string_view::npos) return header;
    if (!bytes.starts_with(kMagic)) return permanent("journal segment: not of version 1");
    if (get<std::uint32_t>(bytes, kCheckedHeader) != crc32c(bytes.substr(0, kCheckedHeader))) {
        return permanent("journal segment: header is damaged");
    }
    header.use = get<std::uint64_t>(bytes, 24);
    header.mark = get<std::uint64_t>(bytes, 32);
    header.size = get<std::uint64_t>(bytes, 40);
    return header;
}

void append_record(std::string& out, const RecordHeader& header, std::uint64_t mark,
                   std::string_view first, std::string_view second) {
    std::size_t begin = out.size();
    out.reserve(begin + record_size(first.size() + second.size()));
    out += kRecordMagic;
    out += static_cast<char>(header.type);
    out.append(3, '\0');
    put(out, mark);
    put(out, static_cast<std::uint32_t>(first.size() + second.size()));
    put(out, header.durable);
    put(out, header.id.time);
    put(out, header.id.process);
    put(out, static_cast<std::uint32_t>(first.size()));
    put(out, std::uint32_t{0});
    std::uint32_t crc = crc32c(std::string_view(out).substr(begin));
    put(out, crc32c(second, crc32c(first, crc)));
    out += first;
    out += second;
    out.resize(begin + record_size(first.size() + second.size()), '\0');
}

std::optional<RecordHeader> record_at(std::string_view segment, std::size_t offset,
                                      std::uint64_t mark) {
    if (offset > segment.size() || segment.size() - offset < kRecordHeader) return std::nullopt;
    std::string_view bytes = segment.substr(offset);
    if (!bytes.starts_with(kRecordMagic) || !is_type(bytes[4])) return std::nullopt;
    if (get<std::uint64_t>(bytes, 8) != mark) return std::nullopt;
    RecordHeader header;
    header.type = static_cast<RecordType>(bytes[4]);
    header.length = get<std::uint32_t>(bytes, 16);
    header.durable = get<std::uint32_t>(bytes, 20);
    header.id.time = get<std::uint64_t>(bytes, 24);
    header.id.process = get<std::uint32_t>(bytes, 32);
    header.head = get<std::uint32_t>(bytes, 36);
    if (header.length > bytes.size() - kRecordHeader || header.head > header.length) {
        return std::nullopt;
    }
    std::uint32_t crc = crc32c(bytes.substr(0, kCheckedRecord));
    crc = crc32c(bytes.substr(kRecordHeader, header.length), crc);
    if (crc != get<std::uint32_t>(bytes, kCheckedRecord)) return std::nullopt;
    return header;
}

Scan scan_segment(std::string_view segment, std::uint64_t mark) {
    Scan scan;
    std::uint32_t durable = 0;
    std::size_t at = kSegmentHeader;
    while (at < segment.size()) {
        auto header = record_at(segment, at, mark);
        if (!header) {
            at += 8;  // records stand at multiples of 8; look for the next good one
            continue;
        }
        auto offset = static_cast<std::uint32_t>(at);
        if (offset != scan.end) {
            Scan::Damage damage;
            damage.begin = scan.end;
            damage.end = offset;
            scan.damages.push_back(damage);
        }
        durable = std::max(durable, header->durable);
        scan.records.push_back({*header, offset});
        at += record_size(header->length);
        scan.end = static_cast<std::uint32_t>(std::min(at, segment.size()));
    }
    for (Scan::Damage& damage : scan.damages)
        damage.acknowledged = damage.begin < durable;
    return scan;
}

}  // namespace facteur::spool
