#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/store/store.h"

namespace facteur::imapd {

/// A message while a client sends it: in a string while it is small, then in a memory file.
class MessageBuffer {
public:
    /// After a failure nothing more is kept; take() tells it.
    void add(std::string_view bytes);
    std::uint64_t size() const { return size_; }
    /// All of it, for what must see it whole.
    Result<std::string> text() const;
    Result<store::NewMessage> take();

private:
    Result<void> spill();

    std::string bytes_;
    Fd file_;
    std::uint64_t size_ = 0;
    Result<void> kept_;
};

/// Some bytes of a file; fewer when it is shorter.
std::string read_bytes(int fd, std::uint64_t offset, std::size_t size);

}  // namespace facteur::imapd
