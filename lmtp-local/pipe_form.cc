#include "lmtp-local/pipe_form.h"

namespace facteur::lmtp_local {
namespace {

constexpr std::string_view kFromSpace = "From ";

}  // namespace

std::string PipeForm::encode(std::string_view piece) {
    std::string out;
    out.reserve(piece.size() + piece.size() / 16);
    for (char c : piece) {
        if (at_start_ && dots_ && c == '.' && start_.empty()) out += '.';
        if (at_start_ && quote_from_ && c == kFromSpace[start_.size()]) {
            start_ += c;
            if (start_.size() < kFromSpace.size()) continue;
            out += '>';
            out += start_;
            start_.clear();
            at_start_ = false;
            continue;
        }
        out += start_;
        start_.clear();
        at_start_ = c == '\n';
        if (at_start_)
            out += eol_;
        else
            out += c;
    }
    return out;
}

}  // namespace facteur::lmtp_local
