#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

#include "lib/base/fd.h"

namespace facteur::ipc {

/// One datagram of a Unix SOCK_SEQPACKET socket, with the descriptors that came along.
struct Datagram {
    static constexpr std::size_t kMostFds = 8;

    std::string bytes;
    std::vector<Fd> fds;
    bool end = false;  ///< the other side is gone
    bool cut = false;  ///< longer than the limit, or no room for its descriptors: nothing is left

    /// What stands before the first NUL, and behind it.
    std::string_view name() const { return std::string_view(bytes).substr(0, bytes.find('\0')); }
    std::string_view body() const;
    /// The first descriptor; an empty one when there is none.
    Fd take_fd() { return fds.empty() ? Fd() : std::move(fds.front()); }
};

/// Nothing when the socket would block.  A datagram that is longer than `limit`, or whose
/// descriptors this process has no room for, is never taken in part.
std::optional<Datagram> receive_datagram(int socket, std::size_t limit, int flags = 0);
/// False with errno when it cannot be sent now.
bool send_datagram(int socket, std::string_view bytes, std::span<const int> fds = {},
                   int flags = 0);
inline bool send_datagram(int socket, std::string_view bytes, int fd, int flags = 0) {
    return send_datagram(socket, bytes, std::span<const int>(&fd, fd >= 0 ? 1 : 0), flags);
}

/// Puts descriptors into a message's control buffer, which has room for them (SCM_RIGHTS).
void put_descriptors(msghdr& message, std::span<const int> fds);
/// Takes those that were received out of it, so that none of them leaks.
std::vector<Fd> take_descriptors(msghdr& message);

}  // namespace facteur::ipc
