#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/event/readiness.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"

namespace facteur::ipc {

/// One message as it travels: its type's name, whose question it is or answers, its attributes.
struct Frame {
    std::string name;
    std::uint64_t id = 0;
    std::string body;
    std::vector<Fd> fds;
};

/// The process at the other end (SO_PEERCRED).
struct Peer {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int32_t pid = 0;
};

/// Frames in order over a connected Unix stream socket, descriptors included.  What is put in one
/// turn of the loop leaves in one system call.
class Channel {
public:
    static constexpr std::size_t kFrameLimit = std::size_t{64} << 20;

    /// A frame ready to leave, shared by the queue and by whoever may have to send it again.
    struct Outgoing {
        std::string bytes;
        std::vector<Fd> fds;
    };
    using Parcel = std::shared_ptr<const Outgoing>;

    /// Takes over a connected SOCK_STREAM Unix socket.
    Channel(Scope& scope, Fd socket);
    ~Channel();

    static Parcel pack(std::string_view name, std::uint64_t id, std::string_view body,
                       std::vector<Fd> fds = {});
    /// Queues a frame; it leaves on the next turn of the loop.
    void put(Parcel parcel);
    void put(std::string_view name, std::uint64_t id, std::string_view body,
             std::vector<Fd> fds = {}) {
        put(pack(name, id, body, std::move(fds)));
    }
    /// Bytes that the peer has not taken yet.
    std::size_t pending() const { return pending_; }
    /// Until everything is with the kernel or the deadline passed (TimedOut) or the peer left
    /// (Closed).
    Task<void> drained(TimePoint deadline = kNever);
    /// The next frame; throws Closed when the peer is gone, Cancelled with the scope.
    Task<Frame> receive(TimePoint deadline = kNever);
    /// A frame can be had without waiting for the peer.
    bool buffered() const;
    Peer peer() const;

private:
    bool take_frame(Frame& frame);
    bool read_more();
    Task<void> write_all();
    bool write_some();
    void sent(std::size_t count);

    Scope& scope_;
    Fd socket_;
    Readiness readiness_;
    Signal work_;
    Signal drained_;
    std::deque<Parcel> queue_;
    std::size_t front_sent_ = 0;  ///< bytes of queue_.front() that are gone
    std::size_t fds_sent_ = 0;    ///< frames at the front whose descriptors are gone
    std::size_t pending_ = 0;
    bool broken_ = false;
    std::string input_;
    std::size_t input_used_ = 0;
    std::deque<Fd> input_fds_;
    /// Not the owner's: what was put still leaves after a cancel.  Last: its task uses the rest.
    Scope writing_;
};

}  // namespace facteur::ipc
