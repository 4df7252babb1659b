#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace facteur {

/// An input buffer that exists only while there is something in it: blocks come from a small pool,
/// so that a thousand idle connections hold none.
class Block {
public:
    static constexpr std::size_t kSize = 16 * 1024 + 512;  ///< a whole TLS record fits

    Block() = default;
    ~Block() { drop(); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    std::string_view view() const { return {memory_.get() + begin_, end_ - begin_}; }
    bool empty() const { return begin_ == end_; }
    void consume(std::size_t count) { begin_ += count; }
    /// Room behind what is there, for reading into; takes a block when there is none.
    char* space();
    std::size_t space_size() const { return capacity_ - end_; }
    void added(std::size_t count) { end_ += count; }
    void put_in_front(std::string_view bytes);
    /// Gives the memory back; what is in it is lost.
    void drop();

private:
    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace facteur
