#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace facteur::pop3d {

/// A message on its way out, block by block (RFC 1939 section 3): a line that begins with "." gets
/// another one.  It can stop after so many lines of the body (RFC 1939 section 7, TOP).
class DotStuffing {
public:
    static constexpr std::uint64_t kAllLines = UINT64_MAX;
    explicit DotStuffing(std::uint64_t body_lines = kAllLines) : lines_left_(body_lines) {}

    void append(std::string& out, std::string_view block);
    /// Enough lines were sent.
    bool is_done() const { return is_done_; }
    /// The line end that may be missing, and the dot that ends it all.
    void finish(std::string& out) const;

private:
    bool take_line_end(bool is_empty_line);

    std::uint64_t lines_left_;
    bool at_line_start_ = true;
    bool line_is_empty_ = true;
    bool after_cr_ = false;
    bool in_body_ = false;
    bool is_done_ = false;
};

}  // namespace facteur::pop3d
