#include "lib/ipc/datagram.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace facteur::ipc {
namespace {

union SmallControl {
    cmsghdr align;
    std::array<char, CMSG_SPACE(Datagram::kMostFds * sizeof(int))> space;
};

}  // namespace

std::string_view Datagram::body() const {
    std::size_t at = bytes.find('\0');
    return at == std::string::npos ? std::string_view() : std::string_view(bytes).substr(at + 1);
}

void put_descriptors(msghdr& message, std::span<const int> fds) {
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(part), fds.data(), fds.size_bytes());
}

std::vector<Fd> take_descriptors(msghdr& message) {
    std::vector<Fd> fds;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        for (std::size_t at = CMSG_LEN(0); at < part->cmsg_len; at += sizeof(int)) {
            int fd = -1;
            std::memcpy(&fd, reinterpret_cast<const char*>(part) + at, sizeof fd);
            fds.emplace_back(fd);
        }
    }
    return fds;
}

std::optional<Datagram> receive_datagram(int socket, std::size_t limit, int flags) {
    Datagram datagram;
    datagram.bytes.resize(limit);
    iovec buffer{datagram.bytes.data(), datagram.bytes.size()};
    SmallControl control{};
    msghdr message{};
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    message.msg_control = control.space.data();
    message.msg_controllen = control.space.size();
    ssize_t got = 0;
    do {
        got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (got > 0) datagram.fds = take_descriptors(message);
    datagram.end = got <= 0;
    datagram.cut = got > 0 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    if (datagram.cut) datagram.fds.clear();
    datagram.bytes.resize(got <= 0 || datagram.cut ? 0 : static_cast<std::size_t>(got));
    return datagram;
}

bool send_datagram(int socket, std::string_view bytes, std::span<const int> fds, int flags) {
    if (fds.size() > Datagram::kMostFds) {
        errno = EMSGSIZE;
        return false;
    }
    iovec buffer{const_cast<char*>(bytes.data()), bytes.size()};  // NOLINT: sendmsg only reads
    SmallControl control{};
    msghdr message{};
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control.space.data();
        put_descriptors(message, fds);
    }
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | flags);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

}  // namespace facteur::ipc
