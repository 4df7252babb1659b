#include "lib/store/index/folder_lock.h"

#include <array>
#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"

namespace facteur::store::index {
namespace {

constexpr std::size_t kLine = 64;
constexpr const char* kName = "/facteur.uids";

}  // namespace

std::string format_reservation(const Reservation& reservation, std::uint64_t sequence) {
    std::string text =
        fmt::format("{} V{} N{}", sequence, reservation.uid_validity, reservation.limit);
    text += fmt::format(" {:08x}", crc32c(text));
    text.resize(kLine - 1, ' ');
    return text + "\n";
}

bool parse_reservation(std::string_view line, Reservation& reservation, std::uint64_t& sequence) {
    auto pieces = words(line);
    if (pieces.size() != 4 || pieces[1].empty() || pieces[2].empty()) return false;
    auto number = parse_number(pieces[0]);
    auto validity = parse_number(pieces[1].substr(1));
    auto limit = parse_number(pieces[2].substr(1));
    if (!number || !validity || !limit || *validity == 0 || *validity > 0xffffffff || *limit == 0 ||
        *limit > 0xffffffff)
        return false;
    Reservation found{static_cast<std::uint32_t>(*validity), static_cast<std::uint32_t>(*limit)};
    if (format_reservation(found, *number).substr(0, kLine - 1) !=
        std::string(line.substr(0, kLine - 1)))
        return false;
    reservation = found;
    sequence = *number;
    return true;
}

Result<FolderLock> FolderLock::take(const std::string& dir, unsigned file_mode,
                                    Milliseconds patience) {
    FolderLock lock;
    lock.dir_ = dir;
    std::string path = dir + kName;
    lock.fd_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_mode));
    if (!lock.fd_) {
        if (errno == ENOENT) return permanent("no such mailbox", "5.1.1");
        return system_error("open " + path);
    }
    auto give_up = std::chrono::steady_clock::now() + patience;
    auto nap = std::chrono::microseconds(50);
    while (::flock(lock.fd_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return system_error("lock " + path);
        if (std::chrono::steady_clock::now() > give_up)
            return temporary("mailbox is locked by another process: " + dir, "4.2.0");
        std::this_thread::sleep_for(nap);
        nap = std::min(nap * 2, std::chrono::microseconds(5000));
    }
    lock.read();
    return lock;
}

void FolderLock::read() {
    std::array<char, 2 * kLine> lines{};
    ssize_t got = ::pread(fd_.get(), lines.data(), lines.size(), 0);
    for (ssize_t at = 0; at + static_cast<ssize_t>(kLine) <= got; at += kLine) {
        Reservation found;
        std::uint64_t sequence = 0;
        std::string_view line(lines.data() + at, kLine);
        if (parse_reservation(line, found, sequence) && sequence >= sequence_) {
            reservation_ = found;
            sequence_ = sequence;
        }
    }
}

Result<void> FolderLock::reserve(const Reservation& reservation, bool flush) {
    const bool is_new = sequence_ == 0;
    std::string line = format_reservation(reservation, sequence_ + 1);
    auto offset = static_cast<off_t>((sequence_ + 1) % 2 * kLine);
    // A hole before the first line would read as NULs: harmless, but not text.
    if (is_new) {
        line = std::string(kLine - 1, ' ') + "\n" + line;
        offset = 0;
    }
    if (::pwrite(fd_.get(), line.data(), line.size(), offset) != static_cast<ssize_t>(line.size()))
        return system_error("write facteur.uids in " + dir_);
    if (flush && ::fdatasync(fd_.get()) != 0) return system_error("flush facteur.uids in " + dir_);
    // The first flush of a folder that deliveries made is the second line: its directory entry
    // may never have been flushed either.
    if (flush && sequence_ <= 1) {
        Fd dir(::open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!dir || ::fsync(dir.get()) != 0) return system_error("flush " + dir_);
    }
    reservation_ = reservation;
    ++sequence_;
    return {};
}

}  // namespace facteur::store::index
