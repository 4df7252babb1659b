#include "imapd/message_buffer.h"

#include <cerrno>

#include <sys/mman.h>
#include <unistd.h>

namespace facteur::imapd {

namespace {

/// Up to this size a message waits in a string, above in a memory file.
constexpr std::size_t kInString = 64 * 1024;

}  // namespace

Result<void> MessageBuffer::spill() {
    if (!file_) {
        file_.reset(::memfd_create("append", MFD_CLOEXEC));
        if (!file_) return system_error("cannot make a memory file");
    }
    std::string_view left = bytes_;
    while (!left.empty()) {
        ssize_t count = ::write(file_.get(), left.data(), left.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("cannot keep the message");
        left.remove_prefix(static_cast<std::size_t>(count));
    }
    bytes_.clear();
    return {};
}

void MessageBuffer::add(std::string_view bytes) {
    size_ += bytes.size();
    if (!kept_) return;
    bytes_ += bytes;
    if (bytes_.size() > kInString) kept_ = spill();
}

Result<std::string> MessageBuffer::text() const {
    if (!kept_) return std::unexpected(kept_.error());
    std::string whole;
    if (file_) whole = read_bytes(file_.get(), 0, static_cast<std::size_t>(size_ - bytes_.size()));
    return whole + bytes_;
}

Result<store::NewMessage> MessageBuffer::take() {
    if (kept_ && file_) kept_ = spill();
    if (!kept_) return std::unexpected(kept_.error());
    store::NewMessage message;
    message.content = std::move(file_);
    message.bytes = std::move(bytes_);
    return message;
}

std::string read_bytes(int fd, std::uint64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        ssize_t count =
            ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    bytes.resize(done);
    return bytes;
}

}  // namespace facteur::imapd
