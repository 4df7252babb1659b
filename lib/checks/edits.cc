#include "lib/checks/edits.h"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include <unistd.h>

namespace facteur::checks {
namespace {

std::unexpected<Error> storage_error(std::string what) {
    auto failed = system_error(std::move(what));
    Error error = failed.error();
    error.status = "4.3.1";
    return std::unexpected(std::move(error));
}

/// Towards the end of the file, from the end, so that nothing is lost where they overlap.
Result<void> shift(int fd, std::uint64_t from, std::uint64_t size, std::uint64_t by) {
    std::string block;
    for (std::uint64_t end = size; end > 0;) {
        block.resize(std::min(kBlock, end));
        end -= block.size();
        TRY_VOID(read_at(fd, block, from + end));
        TRY_VOID(write_at(fd, block, from + end + by));
    }
    return {};
}

/// Towards the start of the file.
Result<void> copy_down(int fd, std::uint64_t from, std::uint64_t to, std::uint64_t size) {
    std::string block;
    for (std::uint64_t done = 0; done < size; done += block.size()) {
        block.resize(std::min(kBlock, size - done));
        TRY_VOID(read_at(fd, block, from + done));
        TRY_VOID(write_at(fd, block, to + done));
    }
    return {};
}

/// How far the new content may run ahead of what was read of the old one.
std::uint64_t greatest_growth(const Edits& edits) {
    std::int64_t growth = 0;
    std::int64_t greatest = 0;
    for (const Edit& edit : edits) {
        growth += static_cast<std::int64_t>(edit.text.size());
        greatest = std::max(greatest, growth);
        growth -= static_cast<std::int64_t>(edit.size);
    }
    return static_cast<std::uint64_t>(greatest);
}

}  // namespace

Result<void> read_at(int fd, std::string& bytes, std::uint64_t offset) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n =
            pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) return temporary("content is shorter than it should be", "4.3.1");
        if (n < 0) return storage_error("read content");
        done += static_cast<std::size_t>(n);
    }
    return {};
}

Result<void> write_at(int fd, std::string_view bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return storage_error("write content");
        bytes.remove_prefix(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return {};
}

std::vector<Piece> pieces(std::uint64_t size, const Edits& edits) {
    std::vector<Piece> all;
    std::uint64_t at = 0;
    for (const Edit& edit : edits) {
        if (edit.at > at) all.push_back(Piece{at, edit.at - at, {}});
        if (!edit.text.empty()) all.push_back(Piece{edit.at, 0, edit.text});
        at = edit.at + edit.size;
    }
    if (size > at) all.push_back(Piece{at, size - at, {}});
    return all;
}

std::uint64_t size_after(std::uint64_t size, const Edits& edits) {
    for (const Edit& edit : edits)
        size = size + edit.text.size() - edit.size;
    return size;
}

Result<void> apply(int fd, std::uint64_t base, std::uint64_t& size, const Edits& edits) {
    if (edits.empty()) return {};
    // What stands before the first edit stays where it is.
    const std::uint64_t first = edits.front().at;
    const std::uint64_t ahead = greatest_growth(edits);
    if (ahead > 0) {
        TRY_VOID(shift(fd, base + first, size - first, ahead));
    }
    std::uint64_t to = base + first;
    for (const Piece& piece : pieces(size, edits)) {
        if (piece.at + piece.size <= first && piece.text.empty()) continue;
        if (!piece.text.empty()) {
            TRY_VOID(write_at(fd, piece.text, to));
            to += piece.text.size();
        } else {
            if (base + piece.at + ahead != to) {
                TRY_VOID(copy_down(fd, base + piece.at + ahead, to, piece.size));
            }
            to += piece.size;
        }
    }
    size = to - base;
    if (ftruncate(fd, static_cast<off_t>(to)) != 0) return storage_error("truncate content");
    return {};
}

}  // namespace facteur::checks
