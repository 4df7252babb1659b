#pragma once

#include <utility>

namespace facteur {

/// Owns one file descriptor and closes it.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    /// Gives the descriptor away without closing it.
    int release() { return std::exchange(fd_, -1); }
    /// Closes what it owns and takes over fd.
    void reset(int fd = -1);
    /// A second descriptor of the same open file (close-on-exec); empty when none can be had.
    Fd duplicate() const;

private:
    int fd_ = -1;
};

}  // namespace facteur
