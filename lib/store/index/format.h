#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// The index of one mailbox folder, `facteur.index`: a snapshot (Header, Entries, names) to map
/// into memory and behind it a log of records that only grows.  A new snapshot is a new file,
/// flushed and renamed over the old one.  Everything is in host byte order (little-endian here).
///
/// States that a crash can leave, and what the next opener does:
///   log ends in a torn record          cut at the last whole record; a scan of the folder follows
///   log lost its unflushed end         boot id differs: scan; UIDs and modseqs jump ahead
///   file missing, short, bad checksum  rebuilt from file names (,U=) and `facteur.uids`
///   facteur.index.new left over        removed by the next snapshot
///   message file without its record    found by the scan; its ,U= is its UID
///   record without its message file    the scan records it as vanished
///   expunge record, file still there   removed by the next scan (Record::unlinked is missing)
namespace facteur::store::index {

constexpr std::string_view kMagic = "FACTIDX1";

struct Header {
    char magic[8] = {};
    std::uint64_t log_id = 0;    ///< random: seeds the checksums of this file's records
    std::uint64_t cache_id = 0;  ///< which facteur.cache.ID the entries point into
    std::uint64_t boot = 0;      ///< hash of the boot id that wrote last
    std::uint64_t modseq = 0;    ///< highest given
    std::uint64_t names = 0;     ///< bytes of names behind the entries
    std::int64_t new_mtime = 0;  ///< of new/ and cur/ when they were last scanned, nanoseconds
    std::int64_t cur_mtime = 0;
    std::uint32_t uid_validity = 0;
    std::uint32_t next_uid = 1;
    std::uint32_t first_recent = 1;  ///< no read-write session has been told of these UIDs
    std::uint32_t entries = 0;
    std::uint32_t body_crc = 0;  ///< of entries and names
    std::uint32_t crc = 0;       ///< of all before it
    std::uint64_t reserved[3] = {};
};
static_assert(sizeof(Header) == 112 && std::is_trivially_copyable_v<Header>);

/// One message.
struct Entry {
    enum Place : std::uint8_t { in_new, in_cur };
    enum Source : std::uint8_t { none, cache_file, log_file };

    std::uint64_t modseq = 0;
    std::uint64_t keywords = 0;
    std::int64_t date = 0;
    std::uint64_t size = 0;            ///< wire form; 0: not known
    std::uint64_t summary_offset = 0;  ///< of the encoded Summary in `source`
    std::uint32_t summary_length = 0;
    std::uint32_t uid = 0;
    std::uint32_t name_offset = 0;
    std::uint16_t name_length = 0;
    std::uint8_t flags = 0;
    Place place = in_new;
    Source source = none;
    bool gone = false;
    std::uint8_t reserved[6] = {};
};
static_assert(sizeof(Entry) == 64 && std::is_trivially_copyable_v<Entry>);

enum class Record : char {
    append = 'A',     ///< a message is there
    flags = 'F',      ///< flags and keywords change
    expunge = 'X',    ///< messages go
    unlinked = 'D',   ///< the files of the expunges up to here are gone
    name = 'N',       ///< a file got another name
    keyword = 'K',    ///< a keyword gets its bit
    recent = 'R',     ///< a session was told of the UIDs below
    scan = 'S',       ///< the folder's directories were read
    boot = 'B',       ///< first write since the machine started
    summary = 'C',    ///< size and summary computed later
    delivered = 'G',  ///< a delivery whose message has gone: remembered for a while
    leftover = 'L',   ///< an expunged file that may still be there
};

/// Why messages went.
enum class Reason : std::uint8_t {
    asked = 1,    ///< somebody expunged or moved them through this store
    vanished = 2  ///< their files were not there any more
};

/// A list of UIDs as ranges, both ends included, ascending.
struct UidRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool operator==(const UidRange&) const = default;
};
using UidRanges = std::vector<UidRange>;
UidRanges to_ranges(const std::vector<std::uint32_t>& ascending_uids);

struct Append {
    std::uint32_t uid = 0;
    std::uint64_t modseq = 0;
    std::uint8_t flags = 0;
    std::uint64_t keywords = 0;
    std::int64_t date = 0;
    std::uint64_t size = 0;
    Entry::Place place = Entry::in_new;
    std::string_view name;
    std::string_view summary;
};
struct FlagsChanged {
    std::uint64_t modseq = 0;
    std::uint8_t add = 0, remove = 0;
    std::uint64_t add_keywords = 0, remove_keywords = 0;
    UidRanges uids;
};
struct Expunge {
    std::uint64_t modseq = 0;
    Reason reason = Reason::asked;
    UidRanges uids;
};
struct Renamed {
    std::uint32_t uid = 0;
    Entry::Place place = Entry::in_new;
    std::string_view name;
};
struct Keyword {
    std::uint8_t bit = 0;
    std::string_view name;
};
struct Scanned {
    std::int64_t new_mtime = 0, cur_mtime = 0;
};
struct Boot {
    std::uint64_t boot = 0;
    std::uint32_t next_uid = 1;
    std::uint64_t modseq = 0;
};
struct Summarized {
    std::uint32_t uid = 0;
    std::uint64_t size = 0;
    std::string_view summary;
};
struct Delivered {
    std::int64_t when = 0;
    std::string_view key;
};

/// Whole records, framed and with their checksum, for the end of the log.
class RecordWriter {
public:
    explicit RecordWriter(std::uint64_t log_id) : log_id_(log_id) {}

    void add(const Append& record);
    void add(const FlagsChanged& record);
    void add(const Expunge& record);
    void add_unlinked();
    void add(const Renamed& record);
    void add(const Keyword& record);
    void add_recent(std::uint32_t first_recent);
    void add(const Scanned& record);
    void add(const Boot& record);
    void add(const Summarized& record);
    void add(const Delivered& record);
    void add_leftover(std::string_view key);

    const std::string& bytes() const { return bytes_; }
    bool empty() const { return bytes_.empty(); }

private:
    void frame(Record type, std::string_view payload);

    std::uint64_t log_id_;
    std::string bytes_;
};

/// One record off the log; views point into it.
struct RecordView {
    Record type = Record::append;
    std::string_view payload;
    std::size_t payload_offset = 0;  ///< in the text given to RecordReader
};

/// Takes whole records off a piece of the log.
class RecordReader {
public:
    RecordReader(std::string_view log, std::uint64_t log_id) : log_(log), log_id_(log_id) {}
    /// False at the end and at the first record that is cut or does not fit its checksum.
    bool next(RecordView& record);
    /// Bytes of whole records so far.
    std::size_t position() const { return at_; }

private:
    std::string_view log_;
    std::uint64_t log_id_;
    std::size_t at_ = 0;
};

std::optional<Append> read_append(std::string_view payload);
std::optional<FlagsChanged> read_flags(std::string_view payload);
std::optional<Expunge> read_expunge(std::string_view payload);
std::optional<Renamed> read_renamed(std::string_view payload);
std::optional<Keyword> read_keyword(std::string_view payload);
std::optional<std::uint32_t> read_recent(std::string_view payload);
std::optional<Scanned> read_scanned(std::string_view payload);
std::optional<Boot> read_boot(std::string_view payload);
std::optional<Summarized> read_summarized(std::string_view payload);
std::optional<Delivered> read_delivered(std::string_view payload);

/// Checksum of a header and the checks that need nothing else.
std::uint32_t header_crc(const Header& header);
bool valid(const Header& header);

}  // namespace facteur::store::index
