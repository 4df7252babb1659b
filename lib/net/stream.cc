#include "lib/net/stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <openssl/ssl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/sleep.h"
#include "lib/event/yield.h"
#include "lib/net/socket.h"
#include "lib/net/stream_parts.h"

namespace facteur {
namespace {

/// After so many reads or writes that did not have to wait, others get their turn: a peer that
/// always has something to say must not keep the loop to itself.
constexpr unsigned kTurn = 16;
/// Pieces of a file up to this size are copied behind what is pending: one packet, not three.
constexpr std::size_t kCopied = 16 * 1024;

[[noreturn]] void throw_closed(const char* what) {
    throw Closed(std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

Stream::Stream(Scope& scope, Fd socket)
    : scope_(scope), socket_(std::move(socket)), io_(std::make_unique<Io>(socket_.get())) {
    peer_ = peer_address(socket_.get());
    local_ = local_address(socket_.get());
}

Stream::~Stream() {
    close();
}

void Stream::set_deadline(Milliseconds budget) {
    deadline_ = Loop::current().now() + budget;
}

void Stream::clear_deadline() {
    deadline_ = kNever;
}

void Stream::need_open() const {
    if (closed_) throw Closed("the connection is closed");
}

void Stream::check_deadline() const {
    if (deadline_ <= Loop::current().now()) throw TimedOut("timeout exceeded");
}

Task<void> Stream::wait_for(unsigned direction) {
    Io& io = *io_;
    io.busy = 0;
    // TLS may have to write in order to read, while another coroutine waits to write: look again
    // a little later.
    if (io.waiting[direction]) {
        co_await Sleep(scope_, Milliseconds(20));
        co_return;
    }
    class Mark {
    public:
        explicit Mark(bool& flag) : flag_(flag) { flag_ = true; }
        ~Mark() { flag_ = false; }
        Mark(const Mark&) = delete;
        Mark& operator=(const Mark&) = delete;

    private:
        bool& flag_;
    };
    Mark mark(io.waiting[direction]);
    auto which = static_cast<Readiness::Direction>(direction);
    io.readiness.would_block(which);
    co_await io.readiness.wait(which, scope_, deadline_);
}

void Stream::start_deflate() {
    io_->deflate = std::make_unique<Deflate>();
    // What came behind the agreement is compressed already.
    std::string ahead = take_buffered();
    io_->deflate->feed(ahead);
}

bool Stream::is_compressed() const {
    return io_->deflate != nullptr;
}

/// Puts in the place of `got` compressed bytes, and of what was left before them, what they stand
/// for; false when that is nothing yet.
bool Stream::unpack(std::size_t got) {
    Io& io = *io_;
    if (!io.deflate) return true;
    if (got > 0) io.deflate->feed(io.in.view());
    io.in.drop();
    char* space = io.in.space();
    io.in.added(io.deflate->inflate(space, io.in.space_size()));
    if (!io.in.empty()) return true;
    io.in.drop();
    return false;
}

/// What is to be sent, in the form of the wire.
std::string Stream::packed() {
    std::string out = std::move(io_->out);
    io_->out = std::string();
    return io_->deflate ? io_->deflate->compress(out) : out;
}

/// Reads a block; the buffer is empty before and is not after.
Task<void> Stream::fill() {
    Io& io = *io_;
    for (;;) {
        need_open();
        check_deadline();
        if (++io.busy > kTurn) {
            io.busy = 0;
            co_await Yield();
            continue;
        }
        if (io.deflate && unpack(0)) co_return;
        char* space = io.in.space();
        if (tls_) {
            std::size_t got = 0;
            int result = ::SSL_read_ex(tls_->ssl, space, io.in.space_size(), &got);
            io.in.added(got);
            if (result == 1 && unpack(got)) co_return;
            if (result == 1) continue;
            io.in.drop();
            co_await settle(result);
            continue;
        }
        ssize_t got = ::recv(socket_.get(), space, io.in.space_size(), 0);
        if (got > 0) {
            io.in.added(static_cast<std::size_t>(got));
            if (unpack(static_cast<std::size_t>(got))) co_return;
            continue;
        }
        io.in.drop();
        if (got == 0) throw Closed("the peer closed the connection");
        if (errno != EAGAIN && errno != EINTR) throw_closed("the connection broke");
        if (errno == EAGAIN) co_await wait_for(Readiness::read);
    }
}

Task<Line> Stream::read_line(std::size_t limit) {
    Line line;
    std::size_t length = 0;
    char last = 0;
    for (bool found = false; !found;) {
        if (io_->in.empty()) co_await fill();
        std::string_view piece = io_->in.view();
        std::size_t newline = piece.find('\n');
        found = newline != std::string_view::npos;
        if (found) piece = piece.substr(0, newline);
        if (!piece.empty()) last = piece.back();
        length += piece.size();
        line.text += piece.substr(0, limit - std::min(limit, line.text.size()));
        consume(piece.size() + (found ? 1 : 0));
    }
    line.end = last == '\r' ? Line::End::crlf : Line::End::lf;
    if (last == '\r') --length;
    line.too_long = length > limit;
    line.text.resize(std::min(length, limit));
    co_return line;
}

Task<std::string_view> Stream::peek() {
    if (io_->in.empty()) co_await fill();
    co_return io_->in.view();
}

void Stream::consume(std::size_t count) {
    io_->in.consume(count);
    if (io_->in.empty()) io_->in.drop();
}

Task<std::string> Stream::read_exactly(std::size_t count) {
    std::string bytes;
    while (bytes.size() < count) {
        std::string_view piece = co_await peek();
        piece = piece.substr(0, count - bytes.size());
        bytes += piece;
        consume(piece.size());
    }
    co_return bytes;
}

bool Stream::buffered() const {
    return !io_->in.empty() || (tls_ && ::SSL_pending(tls_->ssl) > 0);
}

bool Stream::has_line() {
    Block& in = io_->in;
    if (in.empty() && tls_ && ::SSL_pending(tls_->ssl) > 0) {
        // The rest of a record that has been decrypted: this does not touch the network.
        std::size_t got = 0;
        char* space = in.space();
        ::SSL_read_ex(tls_->ssl, space, in.space_size(), &got);
        in.added(got);
        if (in.empty()) in.drop();
    }
    return in.view().find('\n') != std::string_view::npos;
}

void Stream::discard_input() {
    io_->in.drop();
}

std::string Stream::take_buffered() {
    std::string bytes(io_->in.view());
    io_->in.drop();
    return bytes;
}

void Stream::unread(std::string_view bytes) {
    io_->in.put_in_front(bytes);
}

void Stream::put(std::string_view bytes) {
    io_->out += bytes;
}

void Stream::put(std::string&& bytes) {
    if (io_->out.empty()) {
        io_->out = std::move(bytes);
    } else {
        io_->out += bytes;
    }
}

std::size_t Stream::pending() const {
    return io_->out.size();
}

Task<void> Stream::flush() {
    if (io_->out.empty()) co_return;
    std::string out = packed();
    co_await write_all(out);
}

Task<void> Stream::write_all(std::string_view bytes) {
    if (tls_) {
        co_await write_tls(bytes);
        co_return;
    }
    while (!bytes.empty()) {
        need_open();
        check_deadline();
        ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            co_await wait_for(Readiness::write);
        } else if (errno != EINTR) {
            throw_closed("the connection broke");
        }
        if (++io_->busy > kTurn) {
            io_->busy = 0;
            co_await Yield();
        }
    }
}

Task<void> Stream::put_file(int fd, off_t offset, std::size_t count) {
    if (count > kCopied) co_await flush();
    if (count <= kCopied || tls_ || io_->deflate) {
        co_await send_file_copied(fd, offset, count);
    } else {
        co_await send_file(fd, offset, count);
    }
}

Task<void> Stream::send_file_copied(int fd, off_t offset, std::size_t count) {
    std::string& out = io_->out;
    while (count > 0) {
        std::size_t piece = std::min(count, kCopied);
        std::size_t before = out.size();
        out.resize(before + piece);
        ssize_t got = ::pread(fd, out.data() + before, piece, offset);
        out.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) throw Closed("a file is shorter than it should be");
        offset += got;
        count -= static_cast<std::size_t>(got);
        if (count > 0) co_await flush();
    }
}

Task<void> Stream::send_file(int fd, off_t offset, std::size_t count) {
    while (count > 0) {
        need_open();
        check_deadline();
        ssize_t sent =
            ::sendfile(socket_.get(), fd, &offset, std::min<std::size_t>(count, 1 << 18));
        if (sent > 0) {
            count -= static_cast<std::size_t>(sent);
        } else if (sent == 0) {
            throw Closed("a file is shorter than it should be");
        } else if (errno == EAGAIN) {
            co_await wait_for(Readiness::write);
        } else if (errno != EINTR) {
            throw_closed("the connection broke");
        }
        if (++io_->busy > kTurn) {
            io_->busy = 0;
            co_await Yield();
        }
    }
}

Task<void> Stream::end_output() {
    co_await flush();
    if (tls_) co_await say_close_notify();
    if (!closed_) ::shutdown(socket_.get(), SHUT_WR);
}

Task<void> Stream::finish(Milliseconds patience) {
    set_deadline(patience);
    try {
        co_await end_output();
        for (;;) {
            const std::string_view unheard = co_await peek();
            consume(unheard.size());
        }
    } catch (const Disconnect&) {
    }
    close();
}

Fd Stream::release() {
    io_.reset();
    return std::move(socket_);
}

/// The descriptor itself stays until the Stream dies: another coroutine may be waiting for it, and
/// wakes to find the connection closed.
void Stream::close() {
    if (!socket_ || closed_) return;
    if (!io_->out.empty() && !tls_) {
        std::string out = packed();
        ::send(socket_.get(), out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    } else if (tls_) {
        close_tls();
    }
    closed_ = true;
    io_->out = std::string();
    io_->in.drop();
    ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace facteur
