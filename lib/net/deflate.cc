#include "lib/net/deflate.h"

#include <new>

#include <zlib.h>

#include "lib/event/errors.h"

namespace facteur {

namespace {

// A session's memory: 40 KB to read (the peer may use the largest window), 64 KB to write.
constexpr int kReadWindow = -15;
constexpr int kWriteWindow = -13;
constexpr int kWriteMemory = 6;

Bytef* bytes_of(const char* text) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(text));  // zlib's next_in only reads
}

}  // namespace

struct Deflate::State {
    z_stream in{};
    z_stream out{};
};

Deflate::Deflate() : state_(std::make_unique<State>()) {
    if (::inflateInit2(&state_->in, kReadWindow) != Z_OK) throw std::bad_alloc();
    if (::deflateInit2(&state_->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWriteWindow, kWriteMemory,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
        ::inflateEnd(&state_->in);
        throw std::bad_alloc();
    }
}

Deflate::~Deflate() {
    ::inflateEnd(&state_->in);
    ::deflateEnd(&state_->out);
}

std::string Deflate::compress(std::string_view bytes) {
    std::string out;
    if (bytes.empty()) return out;
    z_stream& stream = state_->out;
    stream.next_in = bytes_of(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    char block[16 * 1024];
    do {
        stream.next_out = bytes_of(block);
        stream.avail_out = sizeof block;
        // RFC 4978 section 4: flushed, so that the client need not wait for the end of it.
        ::deflate(&stream, Z_SYNC_FLUSH);
        out.append(block, sizeof block - stream.avail_out);
    } while (stream.avail_out == 0);
    return out;
}

void Deflate::feed(std::string_view bytes) {
    input_.erase(0, taken_);
    taken_ = 0;
    input_ += bytes;
}

std::size_t Deflate::inflate(char* space, std::size_t size) {
    z_stream& stream = state_->in;
    stream.next_in = bytes_of(input_.data()) + taken_;
    stream.avail_in = static_cast<uInt>(input_.size() - taken_);
    stream.next_out = bytes_of(space);
    stream.avail_out = static_cast<uInt>(size);
    int result = ::inflate(&stream, Z_SYNC_FLUSH);
    // Z_BUF_ERROR: nothing to do, which is no error.
    if (result != Z_OK && result != Z_BUF_ERROR) throw Closed("the compressed stream is broken");
    taken_ = input_.size() - stream.avail_in;
    if (stream.avail_in == 0) {
        input_ = std::string();
        taken_ = 0;
    }
    return size - stream.avail_out;
}

}  // namespace facteur
