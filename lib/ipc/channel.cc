#include "lib/ipc/channel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/event/errors.h"
#include "lib/ipc/datagram.h"

namespace facteur::ipc {
namespace {

constexpr std::size_t kMaxFds = 253;  // SCM_MAX_FD of the kernel
constexpr std::size_t kMaxBuffers = 128;
constexpr std::size_t kBlock = 65536;

/// In front of every frame.
struct Header {
    std::uint32_t size = 0;  ///< of name and body
    std::uint16_t fds = 0;
    std::uint16_t name_size = 0;
    std::uint64_t id = 0;
};
static_assert(sizeof(Header) == 16);

union Control {
    cmsghdr align;
    std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> space;
};

}  // namespace

Channel::Channel(Scope& scope, Fd socket)
    : scope_(scope), socket_(std::move(socket)), readiness_(socket_.get()) {
    writing_.spawn(write_all());
}

Channel::~Channel() = default;

Channel::Parcel Channel::pack(std::string_view name, std::uint64_t id, std::string_view body,
                              std::vector<Fd> fds) {
    Header header;
    header.size = static_cast<std::uint32_t>(name.size() + body.size());
    header.fds = static_cast<std::uint16_t>(fds.size());
    header.name_size = static_cast<std::uint16_t>(name.size());
    header.id = id;
    Outgoing out;
    out.bytes.reserve(sizeof header + header.size);
    out.bytes.append(reinterpret_cast<const char*>(&header), sizeof header);
    out.bytes += name;
    out.bytes += body;
    out.fds = std::move(fds);
    return std::make_shared<const Outgoing>(std::move(out));
}

void Channel::put(Parcel parcel) {
    if (broken_) return;  // the reader learns of it; what was queued is repeated elsewhere
    pending_ += parcel->bytes.size();
    queue_.push_back(std::move(parcel));
    work_.notify_one();
}

Task<void> Channel::write_all() {
    while (!broken_) {
        if (queue_.empty()) {
            drained_.notify_all();
            co_await work_.wait(writing_);
        } else if (!write_some()) {
            co_await readiness_.wait(Readiness::write, writing_);
        }
    }
    drained_.notify_all();
}

/// One sendmsg(2) for as much of the queue as fits; false when the socket is full.
bool Channel::write_some() {
    std::array<iovec, kMaxBuffers> buffers{};
    std::size_t count = 0;
    std::vector<int> fds;
    for (const Parcel& parcel : queue_) {
        std::size_t skip = count == 0 ? front_sent_ : 0;
        // Descriptors travel with the first byte of a system call, so a short write has sent them
        // ahead of their frames.
        bool carried = count < fds_sent_;
        if (count == kMaxBuffers) break;
        if (!carried && fds.size() + parcel->fds.size() > kMaxFds) break;
        if (!carried) {
            for (const Fd& fd : parcel->fds)
                fds.push_back(fd.get());
        }
        buffers.at(count).iov_base = const_cast<char*>(parcel->bytes.data()) + skip;
        buffers.at(count++).iov_len = parcel->bytes.size() - skip;
    }
    msghdr message{};
    message.msg_iov = buffers.data();
    message.msg_iovlen = count;
    Control control{};
    if (!fds.empty()) {
        message.msg_control = control.space.data();
        put_descriptors(message, fds);
    }
    ssize_t done = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done >= 0) {
        fds_sent_ = std::max(fds_sent_, count);
        sent(static_cast<std::size_t>(done));
    } else if (errno == EAGAIN) {
        readiness_.would_block(Readiness::write);
        return false;
    } else if (errno != EINTR) {
        broken_ = true;
    }
    return true;
}

void Channel::sent(std::size_t count) {
    pending_ -= count;
    front_sent_ += count;
    while (!queue_.empty() && front_sent_ >= queue_.front()->bytes.size()) {
        front_sent_ -= queue_.front()->bytes.size();
        queue_.pop_front();
        --fds_sent_;
    }
}

Task<void> Channel::drained(TimePoint deadline) {
    while (!queue_.empty() && !broken_)
        co_await drained_.wait(writing_, deadline);
    if (broken_) throw Closed("the other process is gone");
}

bool Channel::buffered() const {
    Header header;
    if (input_.size() - input_used_ < sizeof header) return false;
    std::memcpy(&header, input_.data() + input_used_, sizeof header);
    return input_.size() - input_used_ - sizeof header >= header.size;
}

bool Channel::take_frame(Frame& frame) {
    Header header;
    std::string_view rest = std::string_view(input_).substr(input_used_);
    if (rest.size() < sizeof header) return false;
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.size > kFrameLimit || header.name_size > header.size) {
        throw Closed("the other process sent a malformed frame");
    }
    if (rest.size() - sizeof header < header.size) return false;
    if (header.fds > input_fds_.size()) throw Closed("a descriptor got lost: too many open files?");
    frame.id = header.id;
    frame.name = rest.substr(sizeof header, header.name_size);
    frame.body = rest.substr(sizeof header + header.name_size, header.size - header.name_size);
    frame.fds.clear();
    for (unsigned i = 0; i < header.fds; ++i) {
        frame.fds.push_back(std::move(input_fds_.front()));
        input_fds_.pop_front();
    }
    input_used_ += sizeof header + header.size;
    if (input_used_ == input_.size()) {
        input_ = std::string();  // an idle channel holds no buffer
        input_used_ = 0;
    }
    return true;
}

/// One recvmsg(2); false when nothing is there.
bool Channel::read_more() {
    input_.erase(0, input_used_);
    input_used_ = 0;
    std::size_t have = input_.size();
    input_.resize(have + kBlock);
    iovec buffer{input_.data() + have, kBlock};
    Control control{};
    msghdr message{};
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    message.msg_control = control.space.data();
    message.msg_controllen = control.space.size();
    ssize_t got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    int failure = errno;
    input_.resize(have + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) throw Closed("the other process closed the connection");
    if (got < 0) {
        if (input_.empty()) input_ = std::string();
        if (failure == EINTR) return true;
        if (failure != EAGAIN) throw Closed(std::strerror(failure));
        readiness_.would_block(Readiness::read);
        return false;
    }
    std::vector<Fd> fds = take_descriptors(message);
    std::ranges::move(fds, std::back_inserter(input_fds_));
    if (message.msg_flags & MSG_CTRUNC) throw Closed("a descriptor got lost: too many open files?");
    return true;
}

Task<Frame> Channel::receive(TimePoint deadline) {
    Frame frame;
    while (!take_frame(frame)) {
        if (broken_) throw Closed("the other process is gone");
        if (!read_more()) co_await readiness_.wait(Readiness::read, scope_, deadline);
    }
    co_return frame;
}

Peer Channel::peer() const {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        throw Closed("the other process has no name");
    }
    return Peer{credentials.uid, credentials.gid, credentials.pid};
}

}  // namespace facteur::ipc
