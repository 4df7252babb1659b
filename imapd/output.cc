#include "imapd/output.h"

#include <algorithm>

namespace facteur::imapd {

namespace {

constexpr std::size_t kGather = 32 * 1024;
constexpr std::uint64_t kBlock = 256 * 1024;

}  // namespace

void Output::put(std::string_view text) {
    sent_ += text.size();
    stream_.put(text);
}

Task<void> Output::room() {
    if (stream_.pending() >= kGather) co_await flush();
}

Task<void> Output::flush() {
    if (stream_.pending() == 0) co_return;
    stream_.set_deadline(block_timeout_);
    co_await stream_.flush();
}

Task<void> Output::file(int fd, imap::Span span) {
    sent_ += span.size;
    while (span.size > 0) {
        std::uint64_t block = std::min(span.size, kBlock);
        stream_.set_deadline(block_timeout_);
        co_await stream_.put_file(fd, static_cast<off_t>(span.offset),
                                  static_cast<std::size_t>(block));
        span.offset += block;
        span.size -= block;
    }
    co_await room();
}

}  // namespace facteur::imapd
