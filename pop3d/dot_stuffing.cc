#include "pop3d/dot_stuffing.h"

namespace facteur::pop3d {

/// True when this line was the last one that is wanted.
bool DotStuffing::take_line_end(bool is_empty_line) {
    if (lines_left_ == kAllLines) return false;
    if (in_body_) {
        --lines_left_;
    } else if (is_empty_line) {
        in_body_ = true;
    }
    return in_body_ && lines_left_ == 0;
}

void DotStuffing::append(std::string& out, std::string_view block) {
    while (!block.empty() && !is_done_) {
        if (at_line_start_ && block.front() == '.') out += '.';
        at_line_start_ = false;
        std::size_t newline = block.find('\n');
        std::string_view piece = block.substr(0, newline);
        out += piece;
        bool has_cr = piece.empty() ? after_cr_ : piece.back() == '\r';
        std::string_view visible = piece;
        if (visible.ends_with('\r')) visible.remove_suffix(1);
        line_is_empty_ = line_is_empty_ && visible.empty();
        if (newline == std::string_view::npos) {
            after_cr_ = has_cr;
            return;
        }
        out += '\n';
        block.remove_prefix(newline + 1);
        // A bare LF ends no line on the wire, so nothing is added behind it.
        at_line_start_ = has_cr;
        after_cr_ = false;
        if (!has_cr) continue;
        is_done_ = take_line_end(line_is_empty_);
        line_is_empty_ = true;
    }
}

void DotStuffing::finish(std::string& out) const {
    if (!at_line_start_) out += after_cr_ ? "\n" : "\r\n";
    out += ".\r\n";
}

}  // namespace facteur::pop3d
