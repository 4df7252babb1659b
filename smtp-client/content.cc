#include "smtp-client/content.h"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/yield.h"
#include "lib/smtp/domain.h"
#include "lib/smtp/transparency.h"

namespace facteur::smtp_client {

std::string Content::read(std::uint64_t at) const {
    constexpr std::uint64_t kBlock = 64 * 1024;
    if (!file_) return text_.substr(at, kBlock);
    std::string block(std::min(kBlock, size_ - std::min(at, size_)), '\0');
    std::size_t have = 0;
    while (have < block.size()) {
        ssize_t got = ::pread(file_.get(), block.data() + have, block.size() - have,
                              static_cast<off_t>(offset_ + at + have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) throw Closed("the message file is shorter than it should be");
        have += static_cast<std::size_t>(got);
    }
    return block;
}

std::string Content::all() const {
    std::string text;
    text.reserve(size_);
    while (text.size() < size_)
        text += read(text.size());
    return text;
}

std::string Content::broken(std::size_t limit) const {
    std::string text;
    std::size_t length = 0;
    for (std::uint64_t at = 0; at < size_;) {
        std::string block = read(at);
        at += block.size();
        for (char c : block) {
            if (c == '\n') {
                length = 0;
            } else if (c != '\r' && length++ == limit) {
                text += "\r\n ";
                // The space counts, and so does what comes behind it.
                length = 2;
            }
            text += c;
        }
    }
    return text;
}

/// The line lengths of a block, and whether its lines are still the header's.
void Content::measure(std::string_view block, std::uint64_t& length, bool& in_header) {
    while (!block.empty()) {
        std::size_t end = block.find('\n');
        std::string_view line = block.substr(0, end);
        if (in_header && !smtp::is_ascii(line)) traits_.eight_bit_header = true;
        std::uint64_t whole = length + line.size();
        bool empty = whole == 0 || (whole == 1 && line == "\r");
        if (end == std::string_view::npos) {
            length = whole;
            return;
        }
        if (line.ends_with('\r')) --whole;
        traits_.longest = std::max(traits_.longest, whole);
        if (empty) in_header = false;
        length = 0;
        block.remove_prefix(end + 1);
    }
}

Task<Content::Traits> Content::traits() {
    if (known_) co_return traits_;
    smtp::StrayScan scan;
    std::uint64_t length = 0;
    bool in_header = true;
    for (std::uint64_t at = 0; at < size_;) {
        std::string block = read(at);
        at += block.size();
        scan.scan(block);
        measure(block, length, in_header);
        traits_.eight_bit = traits_.eight_bit || !smtp::is_ascii(block);
        if (at < size_) co_await Yield();
    }
    scan.finish();
    traits_.longest = std::max(traits_.longest, length);
    traits_.strays = scan.strays().any();
    known_ = true;
    co_return traits_;
}

bool Content::says_tls_optional() const {
    if (size_ == 0) return false;
    constexpr std::string_view kName = "TLS-Required:";
    std::string block = read(0);
    std::string_view rest = block;
    while (!rest.empty()) {
        std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = trim(rest.substr(0, end));
        if (line.empty()) break;
        if (istarts_with(rest, kName) && iequals(trim(line.substr(kName.size())), "No"))
            return true;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

}  // namespace facteur::smtp_client
