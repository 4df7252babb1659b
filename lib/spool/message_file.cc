#include "lib/spool/message_file.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/spool/queue_id.h"

namespace facteur::spool {
namespace {

constexpr std::size_t kBlock = 1 << 20;

Result<std::uint32_t> content_checksum(int fd, std::uint64_t length) {
    std::uint32_t crc = 0;
    for (std::uint64_t at = 0; at < length; at += kBlock) {
        auto here = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, length - at));
        TRY(std::string block, read_exactly(fd, kContentOffset + at, here));
        crc = crc32c(block, crc);
    }
    return crc;
}

Result<std::uint64_t> size_of(int fd) {
    struct stat st {};
    if (::fstat(fd, &st) != 0) return system_error("stat");
    return static_cast<std::uint64_t>(st.st_size);
}

/// The folder of a queue file is there, and its own name is on the disk.
Result<void> ensure_folder(Files& files, const std::string& path) {
    std::string folder = folder_of(path);
    if (folder.find('/') == std::string::npos || ::access(folder.c_str(), X_OK) == 0) return {};
    TRY_VOID(files.make_folder(folder, 0700));
    return files.flush_folder(folder_of(folder));
}

}  // namespace

std::string deferred_path(std::string_view id) {
    return "deferred/" + std::string(queue_folder(id)) + "/" + std::string(id);
}
std::string hold_path(std::string_view id) {
    return "hold/" + std::string(id);
}
std::string incoming_path(std::string_view id) {
    return "incoming/" + std::string(id);
}

std::string folder_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

namespace {

/// All but the content and its checksum.
Result<LoadedFile> load_frame(int fd) {
    TRY(std::uint64_t size, size_of(fd));
    if (size < kContentOffset) return permanent("queue file is too short");
    TRY(std::string head, read_exactly(fd, 0, kContentOffset));
    LoadedFile loaded;
    TRY(loaded.header, decode_file_header(head));
    if (loaded.header.content_length > size - kContentOffset) {
        return permanent("queue file is shorter than its content");
    }
    std::uint64_t begin = kContentOffset + loaded.header.content_length;
    TRY(std::string tail, read_exactly(fd, begin, static_cast<std::size_t>(size - begin)));
    TRY(loaded.trailer, decode_trailer(tail));
    loaded.end = begin + loaded.trailer.good;
    return loaded;
}

}  // namespace

Result<Story> load_story(const std::string& path) {
    TRY(Fd fd, open_to_read(path));
    TRY(LoadedFile loaded, load_frame(fd.get()));
    return std::move(loaded.trailer.story);
}

Result<LoadedFile> load_open_file(int fd) {
    TRY(LoadedFile loaded, load_frame(fd));
    TRY(auto crc, content_checksum(fd, loaded.header.content_length));
    if (crc != loaded.header.content_crc) return permanent("queue file: content is damaged");
    return loaded;
}

Result<LoadedFile> load_file(const std::string& path) {
    TRY(Fd fd, open_to_read(path));
    TRY(auto loaded, load_open_file(fd.get()));
    if (!path.ends_with("/" + loaded.header.id)) {
        return permanent("queue file bears the name of another");
    }
    return loaded;
}

Result<void> write_file(Files& files, const NewFile& file, const std::string& path) {
    TRY_VOID(ensure_folder(files, path));
    std::string unfinished = folder_of(path) + "/." + file.id;
    FileHeader header{file.id, file.content.size(), crc32c(file.content)};
    TRY(Fd fd, files.open(unfinished, O_WRONLY | O_CREAT | O_TRUNC));
    auto written = files.write(fd.get(), encode(header), 0);
    if (written) written = files.write(fd.get(), file.content, kContentOffset);
    if (written) {
        written = files.write(fd.get(), encode_trailer(*file.envelope, *file.steps),
                              kContentOffset + file.content.size());
    }
    if (written) written = files.flush(fd.get());
    if (written) written = files.set_time(unfinished, file.due);
    if (written) written = files.rename(unfinished, path);
    if (written) return files.flush_folder(folder_of(path));
    (void)files.remove(unfinished);  // the first failure is the one to tell
    return written;
}

Result<Fd> reserve_file(Files& files, const std::string& id) {
    TRY(Fd fd, files.open(incoming_path(id), O_RDWR | O_CREAT | O_TRUNC));
    TRY_VOID(files.write(fd.get(), std::string(kContentOffset, '\0'), 0));
    if (::lseek(fd.get(), kContentOffset, SEEK_SET) < 0) return system_error("seek");
    // The lock belongs to the open file, not to a process: it is lent with the descriptor, outlives
    // this process, and ends with the last process that has the descriptor.
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return system_error("lock");
    return fd;
}

Result<void> remove_if_abandoned(Files& files, const std::string& id) {
    TRY(Fd fd, open_to_read(incoming_path(id)));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return {};
    return files.remove(incoming_path(id));
}

Result<void> complete_file(Files& files, const std::string& id, const Envelope& envelope,
                           const std::string& to) {
    std::string from = incoming_path(id);
    auto fd = files.open(from, O_RDWR);
    if (!fd && state_of(to).size >= 0) return {};
    if (!fd) return std::unexpected(std::move(fd).error());
    TRY(std::uint64_t size, size_of(fd->get()));
    if (size != kContentOffset + envelope.size) return temporary("content is incomplete");
    TRY(auto crc, content_checksum(fd->get(), envelope.size));
    TRY_VOID(files.write(fd->get(), encode_trailer(envelope, {}), size));
    TRY_VOID(files.write(fd->get(), encode(FileHeader{id, envelope.size, crc}), 0));
    TRY_VOID(files.flush(fd->get()));
    TRY_VOID(files.set_time(from, envelope.arrival / 1000000));
    TRY_VOID(ensure_folder(files, to));
    TRY_VOID(files.rename(from, to));
    return files.flush_folder(folder_of(to));
}

Result<std::uint64_t> append_steps(Files& files, const std::string& path, std::uint64_t end,
                                   const std::vector<std::string>& steps, std::int64_t due) {
    TRY(Fd fd, files.open(path, O_WRONLY));
    std::string blocks;
    for (const std::string& step : steps)
        blocks += encode_step_block(step);
    TRY(std::uint64_t size, size_of(fd.get()));
    if (size > end) {
        TRY_VOID(files.truncate(fd.get(), end));  // what an earlier append left unfinished
    }
    TRY_VOID(files.write(fd.get(), blocks, end));
    TRY_VOID(files.flush(fd.get()));
    TRY_VOID(files.set_time(path, due));
    return end + blocks.size();
}

Result<void> move_file(Files& files, const std::string& from, const std::string& to) {
    TRY_VOID(ensure_folder(files, to));
    TRY_VOID(files.rename(from, to));
    TRY_VOID(files.flush_folder(folder_of(to)));
    return files.flush_folder(folder_of(from));
}

}  // namespace facteur::spool
