#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/fd.h"
#include "lib/base/result.h"

namespace facteur::lmtp_local {

/// No task or result is longer.
constexpr std::size_t kDatagramLimit = 128 * 1024;

/// One datagram of a SOCK_SEQPACKET socket, with at most one descriptor.
struct Datagram {
    std::string bytes;
    Fd fd;
    bool end = false;  ///< the other side is gone

    /// What stands before the first NUL, and behind it.
    std::string_view name() const { return std::string_view(bytes).substr(0, bytes.find('\0')); }
    std::string_view body() const {
        std::size_t at = bytes.find('\0');
        return at == std::string::npos ? std::string_view()
                                       : std::string_view(bytes).substr(at + 1);
    }
};

/// Nothing when the socket would block.
std::optional<Datagram> receive_datagram(int socket);
/// False with errno when it cannot be sent now.
bool send_datagram(int socket, std::string_view bytes, int fd = -1);

}  // namespace facteur::lmtp_local
