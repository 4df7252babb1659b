#pragma once

#include <cstdint>
#include <string_view>

namespace facteur::store::index {

/// A file that only grows, seen through a shared mapping that grows with it.
class Window {
public:
    Window() = default;
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;
    ~Window() { close(); }

    /// These bytes of the file; empty when it does not have them all.
    std::string_view at(int fd, std::uint64_t offset, std::size_t size);
    /// Another file comes, or nobody looks any more.
    void close();

private:
    const char* base_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace facteur::store::index
