#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/fd.h"
#include "lib/event/task.h"

namespace facteur::smtp_client {

/// The content of a message in the descriptor that qmgr lends.
class Content {
public:
    Content(Fd file, std::uint64_t offset, std::uint64_t size)
        : file_(std::move(file)), offset_(offset), size_(size) {}
    /// The same in memory.
    explicit Content(std::string text) : text_(std::move(text)), offset_(0), size_(text_.size()) {}

    int fd() const { return file_.get(); }
    std::uint64_t offset() const { return offset_; }
    std::uint64_t size() const { return size_; }

    /// Up to 64 KB from `at` (counted from the start of the content); throws Closed when the file
    /// is shorter than it should be.
    std::string read(std::uint64_t at) const;

    std::string all() const;
    /// The same with lines of at most `limit` bytes: a line end and a space break longer ones.
    std::string broken(std::size_t limit) const;

    /// RFC 8689 section 3: "TLS-Required: No" in the header.
    bool says_tls_optional() const;

    struct Traits {
        bool eight_bit = false;
        bool eight_bit_header = false;  ///< before the first empty line
        std::uint64_t longest = 0;      ///< line, without its end
        bool strays = false;  ///< bare CR or LF, NUL: not fit for BDAT (RFC 3030 section 3)
    };
    /// Looks through all of it, the first time.
    Task<Traits> traits();

private:
    void measure(std::string_view block, std::uint64_t& length, bool& in_header);

    Fd file_;
    std::string text_;  ///< instead of the file
    std::uint64_t offset_;
    std::uint64_t size_;
    bool known_ = false;
    Traits traits_;
};

}  // namespace facteur::smtp_client
