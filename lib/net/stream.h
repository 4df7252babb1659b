#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/event/errors.h"
#include "lib/event/task.h"
#include "lib/event/timers.h"
#include "lib/net/address.h"
#include "lib/net/tls.h"

struct ssl_st;

namespace facteur {

class Scope;

/// One line of input, without its terminator.
struct Line {
    enum class End { crlf, lf };
    std::string text;
    End end = End::crlf;
    bool too_long = false;  ///< text was cut at the limit; the rest was read and thrown away
};

/// Buffered byte stream over one connected socket, with one deadline per request, plain or TLS.
/// Everything that waits throws Closed, TimedOut or Cancelled.  One coroutine reads and one writes
/// at a time; they may be two.  While nothing is buffered, the stream holds no buffer.
class Stream {
public:
    /// Takes over a connected, non-blocking socket.
    Stream(Scope& scope, Fd socket);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// From now on everything together has this long, however slowly its bytes drip in.
    void set_deadline(Milliseconds budget);
    void clear_deadline();

    /// The next line; its terminator is LF or CRLF, and which of them is told.  A bare CR stays in
    /// the text.
    Task<Line> read_line(std::size_t limit);
    /// At least one byte; reads a block when none is buffered.  Valid until the next call.
    Task<std::string_view> peek();
    void consume(std::size_t count);
    Task<std::string> read_exactly(std::size_t count);
    /// Input waits in the buffer, be it half a line.
    bool buffered() const;
    /// A whole line waits in the buffer: the answers before it can go with its own (RFC 2920
    /// section 3.2).  Otherwise they have to be sent now: a client that waits for them might
    /// never say the rest of its line.
    bool has_line();
    /// Drops input that came ahead of its turn.
    void discard_input();
    /// What is buffered, to pass it on together with the connection.
    std::string take_buffered();
    /// Puts bytes in front of what will be read: the other side of take_buffered().
    void unread(std::string_view bytes);

    /// Buffered; nothing is sent before flush().
    void put(std::string_view bytes);
    void put(std::string&& bytes);
    void put(const char* text) { put(std::string_view(text)); }
    std::size_t pending() const;
    Task<void> flush();
    /// Sends what is pending and says that nothing follows; the peer can still answer.
    Task<void> end_output();
    /// The end of a conversation in which we had the last word: end_output(), then waits until the
    /// peer closes too, no longer than that, and closes.  Closing while it still talks would reset
    /// the connection, and the last word could be lost with it.  Throws nothing.
    Task<void> finish(Milliseconds patience);
    /// Flushes, then sends `count` bytes of a file from `offset`; throws Closed when the file is
    /// shorter.
    Task<void> put_file(int fd, off_t offset, std::size_t count);

    /// Server side of the handshake.  Drops buffered plaintext first (RFC 3207 section 4.2).  The
    /// Error says what failed; the connection is then of no use.
    Task<Result<void>> start_tls(TlsServer& server);
    /// Client side of the handshake.
    Task<Result<void>> start_tls(TlsClient& client, TlsClientWish wish);
    /// nullptr while plain.
    const TlsInfo* tls() const;
    /// RFC 9266: the 32 bytes that both ends of this TLSv1.3 connection know and nobody else;
    /// empty with older protocols, where they would not be unique.
    std::string tls_exporter() const;

    /// From now on everything is compressed, in both directions; what is put was flushed before.
    void start_deflate();
    bool is_compressed() const;

    const Address& peer() const { return peer_; }
    const Address& local() const { return local_; }
    int fd() const { return socket_.get(); }
    Scope& scope() { return scope_; }

    /// Sends what is pending if it can without waiting, says close_notify, closes.
    void close();
    /// Gives a plain connection away; what is buffered must have been taken.
    Fd release();

private:
    struct Io;
    struct Tls;

    Task<void> fill();
    bool unpack(std::size_t got);
    std::string packed();
    Task<void> write_all(std::string_view bytes);
    Task<void> write_tls(std::string_view bytes);
    Task<void> send_file(int fd, off_t offset, std::size_t count);
    Task<void> send_file_copied(int fd, off_t offset, std::size_t count);
    Task<void> wait_for(unsigned direction);
    Task<void> settle(int ssl_result);
    Task<Result<void>> handshake(ssl_st* ssl);
    Task<void> answer_signing();
    void close_tls();
    Task<void> say_close_notify();
    void need_open() const;
    void check_deadline() const;

    Scope& scope_;
    Fd socket_;
    std::unique_ptr<Io> io_;  ///< readiness and buffers
    std::unique_ptr<Tls> tls_;
    TimePoint deadline_ = kNever;
    bool closed_ = false;
    Address peer_;
    Address local_;
};

}  // namespace facteur
