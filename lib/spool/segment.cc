#include "lib/spool/segment.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/base/log.h"
#include "lib/base/text.h"

namespace facteur::spool {
namespace {

constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kNumberDigits = 6;

std::string path_of(const std::string& folder, unsigned number, std::string_view suffix = kSuffix) {
    std::string digits = std::to_string(number);
    digits.insert(0, kNumberDigits - std::min(kNumberDigits, digits.size()), '0');
    return folder + "/" + digits + std::string(suffix);
}

Result<void> fill_with_zeros(Files& files, int fd, std::uint32_t size) {
    const std::string zeros(1 << 20, '\0');
    for (std::uint32_t at = 0; at < size; at += static_cast<std::uint32_t>(zeros.size())) {
        auto here = std::min<std::size_t>(zeros.size(), size - at);
        TRY_VOID(files.write(fd, std::string_view(zeros).substr(0, here), at));
    }
    return files.flush(fd);
}

void replay(Files& files, const JournalFolders& folders, Segment& segment, std::string_view bytes,
            const VisitRecord& visit) {
    Scan scan = scan_segment(bytes, segment.mark);
    for (const Scan::Damage& damage : scan.damages) {
        std::string name = std::to_string(segment.number) + "-" + std::to_string(damage.begin);
        if (damage.acknowledged) {
            keep_corrupt(files, folders.corrupt, "journal-" + name,
                         bytes.substr(damage.begin, damage.end - damage.begin),
                         "journal segment has a damaged record");
        } else {
            log_info("journal: skipped a record at " + name + " that was never acknowledged");
        }
    }
    for (const Scan::Found& found : scan.records) {
        visit(segment, found, bytes.substr(found.offset + kRecordHeader, found.header.length));
    }
    segment.used = scan.end;
}

Result<std::unique_ptr<Segment>> open_segment(Files& files, const std::string& path,
                                              unsigned number) {
    auto segment = std::make_unique<Segment>();
    segment->number = number;
    TRY(segment->fd, files.open(path, O_RDWR));
    struct stat st {};
    if (::fstat(segment->fd.get(), &st) != 0) return system_error("stat " + path);
    segment->size = static_cast<std::uint32_t>(st.st_size);
    return segment;
}

/// Reads the header; a damaged one makes the segment free, with a copy kept of all it held.
Result<void> load_header(Files& files, const JournalFolders& folders, Segment& segment) {
    std::size_t length = std::min<std::size_t>(segment.size, kSegmentHeader);
    TRY(std::string bytes, read_exactly(segment.fd.get(), 0, length));
    auto header = decode_segment_header(bytes);
    if (header) {
        segment.use = header->use;
        segment.mark = header->mark;
        return {};
    }
    TRY(bytes, read_exactly(segment.fd.get(), 0, segment.size));
    keep_corrupt(files, folders.corrupt, "journal-" + std::to_string(segment.number), bytes,
                 header.error().text);
    return free_segment(files, segment);
}

}  // namespace

void keep_corrupt(Files& files, const std::string& folder, const std::string& name,
                  std::string_view bytes, std::string_view why) {
    std::string path = folder + "/" + name;
    auto fd = files.open(path, O_WRONLY | O_CREAT | O_TRUNC);
    Result<void> saved = fd ? files.write(fd->get(), bytes, 0)
                            : Result<void>(std::unexpected(std::move(fd).error()));
    log_error(std::string(why) + ": saved " + path +
              (saved ? std::string() : " failed: " + saved.error().text));
}

Result<std::unique_ptr<Segment>> make_segment(Files& files, const std::string& folder,
                                              unsigned number, std::uint32_t size) {
    std::string unfinished = path_of(folder, number, ".new");
    auto segment = std::make_unique<Segment>();
    segment->number = number;
    segment->size = size;
    TRY(segment->fd, files.open(unfinished, O_RDWR | O_CREAT | O_TRUNC));
    auto made = fill_with_zeros(files, segment->fd.get(), size);
    if (made) made = files.rename(unfinished, path_of(folder, number));
    if (made) made = files.flush_folder(folder);
    if (made) return segment;
    (void)files.remove(unfinished);  // the first failure is the one to tell
    return std::unexpected(std::move(made).error());
}

Result<void> free_segment(Files& files, Segment& segment) {
    for (const std::string& folder : segment.folders) {
        TRY_VOID(files.flush_folder(folder));
    }
    segment.folders.clear();
    TRY_VOID(files.write(segment.fd.get(), encode(SegmentHeader{0, 0, segment.size}), 0));
    TRY_VOID(files.flush(segment.fd.get()));
    segment.use = 0;
    segment.used = kSegmentHeader;
    segment.durable = 0;
    return {};
}

Result<std::vector<std::unique_ptr<Segment>>> open_segments(Files& files,
                                                            const JournalFolders& folders,
                                                            const VisitRecord& visit) {
    std::vector<std::unique_ptr<Segment>> segments;
    for (const std::string& name : names_in(folders.journal)) {
        std::string path = folders.journal + "/" + name;
        if (name.ends_with(".new")) (void)files.remove(path);  // made again when needed
        auto number = parse_number(std::string_view(name).substr(0, kNumberDigits));
        if (name.size() != kNumberDigits + kSuffix.size() || !name.ends_with(kSuffix) || !number) {
            continue;
        }
        TRY(auto segment, open_segment(files, path, static_cast<unsigned>(*number)));
        TRY_VOID(load_header(files, folders, *segment));
        segments.push_back(std::move(segment));
    }
    std::sort(segments.begin(), segments.end(),
              [](const auto& a, const auto& b) { return a->use < b->use; });
    for (auto& segment : segments) {
        if (segment->use == 0) continue;
        TRY(std::string bytes, read_exactly(segment->fd.get(), 0, segment->size));
        replay(files, folders, *segment, bytes, visit);
        // A process that died may have left records that are in memory only.
        TRY_VOID(files.flush(segment->fd.get()));
        segment->durable = segment->used;
    }
    return segments;
}

}  // namespace facteur::spool
