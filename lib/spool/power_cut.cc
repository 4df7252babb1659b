#include "lib/spool/power_cut.h"

#include <algorithm>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace facteur::spool {
namespace {

constexpr std::uint64_t kSector = 512;

void overwrite(std::string& content, std::uint64_t offset, std::string_view bytes) {
    if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
    content.replace(offset, bytes.size(), bytes);
}

std::string parent_of(const std::string& path) {
    std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

std::uint64_t PowerCutFiles::inode_of(int fd) {
    struct stat st {};
    ::fstat(fd, &st);
    return st.st_ino;
}

void PowerCutFiles::remember(Event event) {
    std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
}

std::size_t PowerCutFiles::now() const {
    std::lock_guard lock(mutex_);
    return events_.size();
}

Result<Fd> PowerCutFiles::open(const std::string& path, int flags, unsigned mode) {
    const bool is_new = (flags & O_CREAT) && ::access(path.c_str(), F_OK) != 0;
    TRY(Fd fd, Files::open(path, flags, mode));
    if (is_new) {
        remember({Kind::create, inode_of(fd.get()), path, {}, {}, 0});
    } else if (flags & O_TRUNC) {
        remember({Kind::truncate, inode_of(fd.get()), path, {}, {}, 0});
    }
    return fd;
}

Result<void> PowerCutFiles::write(int fd, std::string_view bytes, std::uint64_t offset) {
    remember({Kind::write, inode_of(fd), {}, {}, std::string(bytes), offset});
    return Files::write(fd, bytes, offset);
}

Result<void> PowerCutFiles::truncate(int fd, std::uint64_t size) {
    remember({Kind::truncate, inode_of(fd), {}, {}, {}, size});
    return Files::truncate(fd, size);
}

Result<void> PowerCutFiles::flush(int fd) {
    TRY_VOID(Files::flush(fd));
    remember({Kind::flush, inode_of(fd), {}, {}, {}, 0});
    return {};
}

Result<void> PowerCutFiles::rename(const std::string& from, const std::string& to) {
    remember({Kind::rename, 0, from, to, {}, 0});
    return Files::rename(from, to);
}

Result<void> PowerCutFiles::remove(const std::string& path) {
    remember({Kind::remove, 0, path, {}, {}, 0});
    return Files::remove(path);
}

Result<void> PowerCutFiles::flush_folder(const std::string& path) {
    TRY_VOID(Files::flush_folder(path));
    remember({Kind::flush_folder, 0, path, {}, {}, 0});
    return {};
}

Result<void> PowerCutFiles::make_folder(const std::string& path, unsigned mode) {
    remember({Kind::make_folder, 0, path, {}, {}, 0});
    return Files::make_folder(path, mode);
}

/// What is on the disk, name by name and sector by sector.
struct PowerCutFiles::Disk {
    std::map<std::uint64_t, std::string> contents;
    std::map<std::uint64_t, std::vector<const Event*>> unflushed;
    std::map<std::string, std::uint64_t> names;
    std::vector<std::string> folders;
    std::vector<const Event*> pending_names;

    void apply_name(const Event& event) {
        if (event.kind == Kind::create) {
            names[event.path] = event.inode;
        } else if (event.kind == Kind::rename) {
            names[event.target] = names[event.path];
            names.erase(event.path);
        } else if (event.kind == Kind::remove) {
            names.erase(event.path);
        } else {
            folders.push_back(event.path);
        }
    }
    void apply_names(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            apply_name(*pending_names[i]);
        pending_names.erase(pending_names.begin(),
                            pending_names.begin() + static_cast<std::ptrdiff_t>(count));
    }
    void flush_folder(const std::string& folder) {
        std::size_t last = 0;
        for (std::size_t i = 0; i < pending_names.size(); ++i) {
            const Event& event = *pending_names[i];
            if (parent_of(event.path) == folder || parent_of(event.target) == folder) last = i + 1;
        }
        apply_names(last);
    }
    void apply_content(const Event& event) {
        std::string& content = contents[event.inode];
        if (event.kind == Kind::truncate) {
            content.resize(event.offset, '\0');
        } else {
            overwrite(content, event.offset, event.bytes);
        }
    }
    void apply_some_sectors(const Event& event, std::mt19937& random) {
        if (event.kind == Kind::truncate) {
            if (random() % 2) apply_content(event);
            return;
        }
        for (std::uint64_t at = 0; at < event.bytes.size();) {
            std::uint64_t here = kSector - (event.offset + at) % kSector;
            if (random() % 2) {
                overwrite(contents[event.inode], event.offset + at, event.bytes.substr(at, here));
            }
            at += here;
        }
    }
    void run(const Event& event) {
        if (event.kind == Kind::write || event.kind == Kind::truncate) {
            unflushed[event.inode].push_back(&event);
        } else if (event.kind == Kind::flush) {
            for (const Event* write : unflushed[event.inode])
                apply_content(*write);
            unflushed[event.inode].clear();
        } else if (event.kind == Kind::flush_folder) {
            flush_folder(event.path);
        } else {
            // An inode number that comes back is another file.
            if (event.kind == Kind::create) contents[event.inode].clear();
            if (event.kind == Kind::create) unflushed[event.inode].clear();
            pending_names.push_back(&event);
        }
    }
};

void PowerCutFiles::materialise(const std::string& root, std::size_t moment,
                                std::mt19937& random) const {
    std::lock_guard lock(mutex_);
    Disk disk;
    for (std::size_t i = 0; i < moment; ++i)
        disk.run(events_[i]);
    disk.apply_names(random() % (disk.pending_names.size() + 1));
    for (auto& [inode, writes] : disk.unflushed) {
        for (const Event* write : writes)
            disk.apply_some_sectors(*write, random);
    }
    for (const std::string& folder : disk.folders)
        ::mkdir((root + "/" + folder).c_str(), 0700);
    for (const auto& [path, inode] : disk.names) {
        std::ofstream out(root + "/" + path, std::ios::binary);
        out << disk.contents[inode];
    }
}

}  // namespace facteur::spool
