#include "lib/smtp/transparency.h"

#include <cstring>

namespace facteur::smtp {

namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// string_view::find with a character is memchr, which libc does with vector instructions.
bool contains(std::string_view text, char c) {
    return text.find(c) != kNone;
}

}  // namespace

std::size_t DotDecoder::decode(std::string_view block, std::string& out) {
    std::size_t used = 0;
    while (used < block.size() && state_ != State::done)
        used += step(block.substr(used), out);
    if (contains(block.substr(0, used), '\0')) strays_.nul = true;
    return used;
}

std::size_t DotDecoder::step(std::string_view block, std::string& out) {
    const char c = block.front();
    switch (state_) {
        case State::line_start:
        case State::after_lf:
            if (c != '.') return lines(block, out);
            state_ = state_ == State::line_start ? State::dot : State::lf_dot;
            return 1;
        case State::dot:
            if (c == '\r') {
                state_ = State::dot_cr;
                return 1;
            }
            if (c == '\n') out += '.';  // "." with a bare LF ends nothing, and is kept
            return lines(block, out);
        case State::dot_cr:
            if (c == '\n') {
                state_ = State::done;
                return 1;
            }
            strays_.bare_cr = true;
            out += '\r';
            return lines(block, out);
        case State::lf_dot:
            if (c == '\r' || c == '\n') out += '.';  // likewise after a bare LF
            return lines(block, out);
        case State::cr:
            out += '\r';
            if (c != '\n') {
                strays_.bare_cr = true;
                return lines(block, out);
            }
            out += '\n';
            state_ = State::line_start;
            return 1;
        case State::middle:
            return lines(block, out);
        case State::done:
            break;
    }
    return 0;
}

/// From inside a line up to a "." at the start of another one, in one run: most blocks are
/// appended with a single copy.
std::size_t DotDecoder::lines(std::string_view block, std::string& out) {
    std::size_t line = 0;
    while (true) {
        const std::size_t lf = block.find('\n', line);
        if (lf == kNone) return rest(block, line, out);
        const bool proper = lf > line && block[lf - 1] == '\r';
        if (contains(block.substr(line, lf - line - (proper ? 1 : 0)), '\r'))
            strays_.bare_cr = true;
        const std::size_t next = lf + 1;
        if (!proper) {
            strays_.bare_lf = true;
            if (bare_lf_ == BareLf::normalize) {
                out.append(block, 0, lf).append("\r\n");
                state_ = State::after_lf;
                return next;
            }
        } else if (next == block.size() || block[next] == '.') {
            out.append(block, 0, next);
            state_ = State::line_start;
            return next;
        }
        line = next;
    }
}

std::size_t DotDecoder::rest(std::string_view block, std::size_t from, std::string& out) {
    const bool cr_last = block.size() > from && block.back() == '\r';
    const std::size_t size = block.size() - (cr_last ? 1 : 0);
    if (contains(block.substr(from, size - from), '\r')) strays_.bare_cr = true;
    out.append(block, 0, size);
    state_ = cr_last ? State::cr : State::middle;
    return block.size();
}

void StrayScan::scan(std::string_view block) {
    if (block.empty()) return;
    if (contains(block, '\0')) strays_.nul = true;
    std::size_t line = 0;
    while (line < block.size()) {
        const std::size_t lf = block.find('\n', line);
        const bool last = lf == kNone;
        const std::size_t end = last ? block.size() : lf;
        const bool before = end > line ? block[end - 1] == '\r' : after_cr_;
        if (after_cr_ && block[line] != '\n') strays_.bare_cr = true;
        const std::size_t inner = end > line && before ? end - 1 : end;
        if (contains(block.substr(line, inner - line), '\r')) strays_.bare_cr = true;
        if (!last && !before) strays_.bare_lf = true;
        after_cr_ = last && before;
        line = last ? end : end + 1;
    }
}

void StrayScan::finish() {
    if (after_cr_) strays_.bare_cr = true;
    after_cr_ = false;
}

void DotEncoder::encode(std::string_view block, std::string& out) {
    std::size_t at = 0;
    while (at < block.size()) {
        if (state_ == State::cr) {
            const bool proper = block[at] == '\n';
            out += proper ? "\r\n" : " ";
            state_ = proper ? State::line_start : State::middle;
            at += proper ? 1 : 0;
            continue;
        }
        if (state_ == State::line_start && block[at] == '.') out += '.';
        const std::size_t end = block.find_first_of("\r\n", at);
        if (end == kNone) {
            out.append(block, at);
            state_ = State::middle;
            return;
        }
        out.append(block, at, end - at);
        if (block[end] == '\n') out += "\r\n";
        state_ = block[end] == '\n' ? State::line_start : State::cr;
        at = end + 1;
    }
}

void DotEncoder::finish(std::string& out) {
    if (state_ != State::line_start) out += "\r\n";
    out += ".\r\n";
    state_ = State::line_start;
}

}  // namespace facteur::smtp
