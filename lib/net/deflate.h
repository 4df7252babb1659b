#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace facteur {

/// Both directions of a connection in raw deflate (RFC 1951), as RFC 4978 has it: nothing waits in
/// the compressor between two calls.
class Deflate {
public:
    Deflate();
    ~Deflate();
    Deflate(const Deflate&) = delete;
    Deflate& operator=(const Deflate&) = delete;

    /// What the peer needs to read all of it.
    std::string compress(std::string_view bytes);
    /// Compressed bytes of the peer; what came before must have been taken out.
    void feed(std::string_view bytes);
    /// At most so many bytes of what was fed; 0 when more must be fed.  However much a few bytes
    /// stand for, no more than `size` is made of them at a time.  Throws Closed when the bytes are
    /// no deflate stream.
    std::size_t inflate(char* space, std::size_t size);

private:
    struct State;
    std::unique_ptr<State> state_;
    std::string input_;
    std::size_t taken_ = 0;
};

}  // namespace facteur
