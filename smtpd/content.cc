#include "smtpd/content.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "smtpd/backend.h"

namespace facteur::smtpd {

namespace {

/// Below this a content waits in the buffer: one write for all of it.
constexpr std::size_t kBlock = std::size_t{64} << 10;

std::unexpected<Error> storage_error(std::string what) {
    auto failed = system_error(std::move(what));
    Error error = failed.error();
    error.status = "4.3.1";
    return std::unexpected(std::move(error));
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

Result<void> read_at(int fd, std::string& bytes, std::uint64_t offset) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n =
            pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return storage_error("read content");
        done += static_cast<std::size_t>(n);
    }
    return {};
}

}  // namespace

Content::Content(Backend& backend, std::string queue_id, Limits limits)
    : backend_(backend), queue_id_(std::move(queue_id)), limits_(limits) {}

Content::~Content() {
    if (reserved_ && !handed_over_) backend_.abandon(queue_id_);
}

void Content::set_trace(std::string fields) {
    seen_ = fields.size();
    buffer_ = std::move(fields);
}

Task<void> Content::accept() {
    const std::string_view fresh = std::string_view(buffer_).substr(seen_);
    received_ += fresh.size();
    if (!header_.done()) header_.scan(fresh);
    if (limits_.size > 0 && received_ > limits_.size) too_big_ = true;
    if (too_big_ || failure_) {
        buffer_.clear();  // only counted from here on
        seen_ = 0;
        co_return;
    }
    seen_ = buffer_.size();
    if (buffer_.size() < kBlock) co_return;
    Result<void> stored = co_await spill();
    if (!stored) failure_ = std::move(stored).error();
}

/// From the buffer to where it stays.
Task<Result<void>> Content::spill() {
    if (!reserved_ && stored_ + buffer_.size() > limits_.in_memory) {
        CO_TRY_VOID(co_await move_to_file());
    } else if (!fd_) {
        CO_TRY_VOID(open_memory());
    }
    CO_TRY_VOID(append(buffer_));
    buffer_.clear();
    seen_ = 0;
    co_return Result<void>();
}

Result<void> Content::open_memory() {
    fd_.reset(memfd_create("content", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd_) return storage_error("memfd_create");
    return {};
}

Result<void> Content::append(std::string_view bytes) {
    TRY_VOID(write_at(fd_.get(), bytes, base_ + stored_));
    stored_ += bytes.size();
    return {};
}

Task<Result<void>> Content::move_to_file() {
    Result<ReservedFile> reserved = co_await backend_.reserve(queue_id_);
    if (!reserved) co_return std::unexpected(std::move(reserved).error());
    reserved_ = true;
    const Fd memory = std::move(fd_);
    fd_ = std::move(reserved->file);
    base_ = reserved->offset;
    std::string block;
    for (std::uint64_t at = 0; at < stored_; at += block.size()) {
        block.resize(std::min<std::uint64_t>(kBlock, stored_ - at));
        CO_TRY_VOID(read_at(memory.get(), block, at));
        CO_TRY_VOID(write_at(fd_.get(), block, base_ + at));
    }
    co_return Result<void>();
}

Task<Result<void>> Content::finish() {
    CO_TRY_VOID(co_await spill());
    buffer_ = std::string();
    co_return Result<void>();
}

/// In place, from the end: what is large should not be there twice.
Result<void> Content::prepend(std::string_view fields) {
    if (fields.empty()) return {};
    std::string block;
    std::uint64_t end = stored_;
    while (end > 0) {
        block.resize(std::min<std::uint64_t>(kBlock, end));
        end -= block.size();
        TRY_VOID(read_at(fd_.get(), block, base_ + end));
        TRY_VOID(write_at(fd_.get(), block, base_ + end + fields.size()));
    }
    TRY_VOID(write_at(fd_.get(), fields, base_));
    stored_ += fields.size();
    return {};
}

Result<Fd> Content::seal() {
    handed_over_ = true;
    if (reserved_) return Fd();
    constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    if (fcntl(fd_.get(), F_ADD_SEALS, kSeals) != 0) return storage_error("seal content");
    return std::move(fd_);
}

}  // namespace facteur::smtpd
