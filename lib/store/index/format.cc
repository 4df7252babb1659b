#include "lib/store/index/format.h"

#include <cstring>

#include "lib/base/encoding.h"
#include "lib/store/index/bytes.h"

namespace facteur::store::index {
namespace {

constexpr std::size_t kFrame = 4 + 1;  // length, type; the checksum follows the payload
constexpr std::size_t kChecksum = 4;
constexpr std::size_t kMostPayload = std::size_t{16} << 20;

std::uint32_t checksum(std::uint64_t log_id, std::string_view type_and_payload) {
    auto seed = static_cast<std::uint32_t>(log_id ^ (log_id >> 32));
    return crc32c(type_and_payload, seed);
}

void put32(std::string& out, std::uint32_t value) {
    char raw[4];
    std::memcpy(raw, &value, sizeof raw);
    out.append(raw, sizeof raw);
}

std::uint32_t get32(std::string_view in) {
    std::uint32_t value = 0;
    std::memcpy(&value, in.data(), sizeof value);
    return value;
}

void put_ranges(ByteWriter& out, const UidRanges& ranges) {
    out.number(ranges.size());
    std::uint32_t before = 0;
    for (const UidRange& range : ranges) {
        out.number(range.first - before);
        out.number(range.last - range.first);
        before = range.last;
    }
}

UidRanges get_ranges(ByteReader& in) {
    UidRanges ranges;
    std::uint64_t count = in.number_up_to(in.left());
    std::uint64_t before = 0;
    while (count-- > 0 && !in.failed()) {
        std::uint64_t first = before + in.number32();
        std::uint64_t last = first + in.number32();
        if (last > 0xffffffff || first == 0) return {};
        ranges.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)});
        before = last;
    }
    return ranges;
}

Entry::Place get_place(ByteReader& in) {
    return in.number_up_to(1) == 1 ? Entry::in_cur : Entry::in_new;
}

template <class T>
std::optional<T> if_whole(const ByteReader& in, T value) {
    if (!in.whole()) return std::nullopt;
    return value;
}

}  // namespace

UidRanges to_ranges(const std::vector<std::uint32_t>& ascending_uids) {
    UidRanges ranges;
    for (std::uint32_t uid : ascending_uids) {
        if (!ranges.empty() && ranges.back().last + 1 == uid) {
            ranges.back().last = uid;
        } else {
            ranges.push_back({uid, uid});
        }
    }
    return ranges;
}

void RecordWriter::frame(Record type, std::string_view payload) {
    put32(bytes_, static_cast<std::uint32_t>(payload.size()));
    std::size_t start = bytes_.size();
    bytes_.push_back(static_cast<char>(type));
    bytes_.append(payload);
    put32(bytes_, checksum(log_id_, std::string_view(bytes_).substr(start)));
}

void RecordWriter::add(const Append& record) {
    ByteWriter out;
    out.number(record.uid);
    out.number(record.modseq);
    out.number(record.flags);
    out.number(record.keywords);
    out.signed_number(record.date);
    out.number(record.size);
    out.number(record.place);
    out.text(record.name);
    out.text(record.summary);
    frame(Record::append, out.bytes());
}

void RecordWriter::add(const FlagsChanged& record) {
    ByteWriter out;
    out.number(record.modseq);
    out.number(record.add);
    out.number(record.remove);
    out.number(record.add_keywords);
    out.number(record.remove_keywords);
    put_ranges(out, record.uids);
    frame(Record::flags, out.bytes());
}

void RecordWriter::add(const Expunge& record) {
    ByteWriter out;
    out.number(record.modseq);
    out.number(static_cast<std::uint64_t>(record.reason));
    put_ranges(out, record.uids);
    frame(Record::expunge, out.bytes());
}

void RecordWriter::add_unlinked() {
    frame(Record::unlinked, {});
}

void RecordWriter::add(const Renamed& record) {
    ByteWriter out;
    out.number(record.uid);
    out.number(record.place);
    out.text(record.name);
    frame(Record::name, out.bytes());
}

void RecordWriter::add(const Keyword& record) {
    ByteWriter out;
    out.number(record.bit);
    out.text(record.name);
    frame(Record::keyword, out.bytes());
}

void RecordWriter::add_recent(std::uint32_t first_recent) {
    ByteWriter out;
    out.number(first_recent);
    frame(Record::recent, out.bytes());
}

void RecordWriter::add(const Scanned& record) {
    ByteWriter out;
    out.signed_number(record.new_mtime);
    out.signed_number(record.cur_mtime);
    frame(Record::scan, out.bytes());
}

void RecordWriter::add(const Boot& record) {
    ByteWriter out;
    out.number(record.boot);
    out.number(record.next_uid);
    out.number(record.modseq);
    frame(Record::boot, out.bytes());
}

void RecordWriter::add(const Summarized& record) {
    ByteWriter out;
    out.number(record.uid);
    out.number(record.size);
    out.text(record.summary);
    frame(Record::summary, out.bytes());
}

void RecordWriter::add(const Delivered& record) {
    ByteWriter out;
    out.signed_number(record.when);
    out.text(record.key);
    frame(Record::delivered, out.bytes());
}

void RecordWriter::add_leftover(std::string_view key) {
    frame(Record::leftover, key);
}

bool RecordReader::next(RecordView& record) {
    std::string_view rest = log_.substr(at_);
    if (rest.size() < kFrame + kChecksum) return false;
    std::size_t size = get32(rest);
    if (size > kMostPayload || size > rest.size() - kFrame - kChecksum) return false;
    if (get32(rest.substr(kFrame + size)) != checksum(log_id_, rest.substr(4, size + 1)))
        return false;
    record.type = static_cast<Record>(rest[4]);
    record.payload = rest.substr(kFrame, size);
    record.payload_offset = at_ + kFrame;
    at_ += kFrame + size + kChecksum;
    return true;
}

std::optional<Append> read_append(std::string_view payload) {
    ByteReader in(payload);
    Append record;
    record.uid = in.number32();
    record.modseq = in.number();
    record.flags = static_cast<std::uint8_t>(in.number_up_to(0xff));
    record.keywords = in.number();
    record.date = in.signed_number();
    record.size = in.number();
    record.place = get_place(in);
    record.name = in.text();
    record.summary = in.text();
    if (record.uid == 0 || record.name.empty() || record.name.size() > 0xffff) return std::nullopt;
    return if_whole(in, record);
}

std::optional<FlagsChanged> read_flags(std::string_view payload) {
    ByteReader in(payload);
    FlagsChanged record;
    record.modseq = in.number();
    record.add = static_cast<std::uint8_t>(in.number_up_to(0xff));
    record.remove = static_cast<std::uint8_t>(in.number_up_to(0xff));
    record.add_keywords = in.number();
    record.remove_keywords = in.number();
    record.uids = get_ranges(in);
    return if_whole(in, std::move(record));
}

std::optional<Expunge> read_expunge(std::string_view payload) {
    ByteReader in(payload);
    Expunge record;
    record.modseq = in.number();
    record.reason = in.number_up_to(2) == 1 ? Reason::asked : Reason::vanished;
    record.uids = get_ranges(in);
    return if_whole(in, std::move(record));
}

std::optional<Renamed> read_renamed(std::string_view payload) {
    ByteReader in(payload);
    Renamed record;
    record.uid = in.number32();
    record.place = get_place(in);
    record.name = in.text();
    if (record.name.empty() || record.name.size() > 0xffff) return std::nullopt;
    return if_whole(in, record);
}

std::optional<Keyword> read_keyword(std::string_view payload) {
    ByteReader in(payload);
    Keyword record;
    record.bit = static_cast<std::uint8_t>(in.number_up_to(63));
    record.name = in.text();
    return if_whole(in, record);
}

std::optional<std::uint32_t> read_recent(std::string_view payload) {
    ByteReader in(payload);
    std::uint32_t first = in.number32();
    return if_whole(in, first);
}

std::optional<Scanned> read_scanned(std::string_view payload) {
    ByteReader in(payload);
    Scanned record;
    record.new_mtime = in.signed_number();
    record.cur_mtime = in.signed_number();
    return if_whole(in, record);
}

std::optional<Boot> read_boot(std::string_view payload) {
    ByteReader in(payload);
    Boot record;
    record.boot = in.number();
    record.next_uid = in.number32();
    record.modseq = in.number();
    return if_whole(in, record);
}

std::optional<Summarized> read_summarized(std::string_view payload) {
    ByteReader in(payload);
    Summarized record;
    record.uid = in.number32();
    record.size = in.number();
    record.summary = in.text();
    return if_whole(in, record);
}

std::optional<Delivered> read_delivered(std::string_view payload) {
    ByteReader in(payload);
    Delivered record;
    record.when = in.signed_number();
    record.key = in.text();
    return if_whole(in, record);
}

std::uint32_t header_crc(const Header& header) {
    return crc32c({reinterpret_cast<const char*>(&header), offsetof(Header, crc)});
}

bool valid(const Header& header) {
    return std::string_view(header.magic, sizeof header.magic) == kMagic &&
           header.crc == header_crc(header) && header.next_uid > 0 && header.uid_validity > 0;
}

}  // namespace facteur::store::index
