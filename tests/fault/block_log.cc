// A disk that remembers what was flushed: a FUSE file system with one file, `disk`, to put a loop
// device and a real file system on.  Every write and every flush goes to a log, in order, so that
// the state after a power cut at any moment can be made from it.
//
//   block_log LOG SIZE MOUNTPOINT      stays in the foreground; ends when it is unmounted
//
// The file `position` tells how many entries the log has.  Log entry: offset (8 bytes, little
// endian; all ones: a flush), length (4 bytes), data.

#define FUSE_USE_VERSION 31

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <fuse.h>

namespace {

constexpr std::size_t kPositionLength = 20;

struct Disk {
    std::vector<char> content;
    std::FILE* log = nullptr;
    std::uint64_t entries = 0;

    void note(std::uint64_t offset, const char* data, std::size_t size) {
        auto length = static_cast<std::uint32_t>(size);
        std::fwrite(&offset, sizeof offset, 1, log);
        std::fwrite(&length, sizeof length, 1, log);
        if (size > 0) std::fwrite(data, 1, size, log);
        ++entries;
    }
};

Disk& disk() {
    static Disk the_disk;
    return the_disk;
}

bool is(const char* path, std::string_view name) {
    return path == name;
}

int get_attributes(const char* path, struct stat* out, fuse_file_info*) {
    *out = {};
    if (is(path, "/")) {
        out->st_mode = S_IFDIR | 0755;
        out->st_nlink = 2;
    } else if (is(path, "/disk")) {
        out->st_mode = S_IFREG | 0600;
        out->st_nlink = 1;
        out->st_size = static_cast<off_t>(disk().content.size());
    } else if (is(path, "/position")) {
        out->st_mode = S_IFREG | 0400;
        out->st_nlink = 1;
        out->st_size = kPositionLength;
    } else {
        return -ENOENT;
    }
    return 0;
}

int open_file(const char*, fuse_file_info* file) {
    file->direct_io = 1;  // nothing may be kept back in the page cache
    return 0;
}

int read_file(const char* path, char* out, std::size_t size, off_t offset, fuse_file_info*) {
    std::string position = std::to_string(disk().entries);
    // Always as long as get_attributes() says: a reader that asks a second time for the rest would
    // get the last digit of a longer number behind the first ones of a shorter.
    position.insert(0, kPositionLength - position.size(), '0');
    std::string_view from = is(path, "/position")
                                ? std::string_view(position)
                                : std::string_view(disk().content.data(), disk().content.size());
    auto at = std::min(static_cast<std::size_t>(offset), from.size());
    size = std::min(size, from.size() - at);
    std::memcpy(out, from.data() + at, size);
    return static_cast<int>(size);
}

int write_file(const char* path, const char* in, std::size_t size, off_t offset, fuse_file_info*) {
    auto at = static_cast<std::size_t>(offset);
    if (!is(path, "/disk") || at + size > disk().content.size()) return -EFBIG;
    std::memcpy(disk().content.data() + at, in, size);
    disk().note(at, in, size);
    return static_cast<int>(size);
}

int flush_disk(const char*, int, fuse_file_info*) {
    disk().note(~std::uint64_t{0}, nullptr, 0);
    std::fflush(disk().log);
    return 0;
}

int read_directory(const char*, void* out, fuse_fill_dir_t add, off_t, fuse_file_info*,
                   fuse_readdir_flags) {
    for (const char* name : {".", "..", "disk", "position"}) {
        add(out, name, nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    disk().log = std::fopen(argv[1], "wb");
    if (!disk().log) {
        std::perror(argv[1]);
        return 1;
    }
    disk().content.resize(std::strtoull(argv[2], nullptr, 10));
    fuse_operations operations{};
    operations.getattr = get_attributes;
    operations.open = open_file;
    operations.read = read_file;
    operations.write = write_file;
    operations.fsync = flush_disk;
    operations.readdir = read_directory;
    std::array<char*, 5> arguments = {argv[0], argv[3], const_cast<char*>("-f"),
                                      const_cast<char*>("-s"), nullptr};
    return fuse_main(4, arguments.data(), &operations, nullptr);
}
