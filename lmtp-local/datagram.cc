#include "lmtp-local/datagram.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace facteur::lmtp_local {
namespace {

union Control {
    cmsghdr align;
    char space[CMSG_SPACE(sizeof(int))];
};

}  // namespace

std::optional<Datagram> receive_datagram(int socket) {
    Datagram datagram;
    datagram.bytes.resize(kDatagramLimit);
    iovec buffer{datagram.bytes.data(), datagram.bytes.size()};
    Control control{};
    msghdr message{};
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    ssize_t got = 0;
    do {
        got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    const cmsghdr* part = got < 0 ? nullptr : CMSG_FIRSTHDR(&message);
    if (part && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part), sizeof fd);
        datagram.fd.reset(fd);
    }
    datagram.end = got <= 0 || (message.msg_flags & MSG_TRUNC) != 0;
    datagram.bytes.resize(datagram.end ? 0 : static_cast<std::size_t>(got));
    return datagram;
}

bool send_datagram(int socket, std::string_view bytes, int fd) {
    iovec buffer{const_cast<char*>(bytes.data()), bytes.size()};  // NOLINT: sendmsg only reads
    Control control{};
    msghdr message{};
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    if (fd >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        cmsghdr* part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof fd);
        std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
    }
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

}  // namespace facteur::lmtp_local
