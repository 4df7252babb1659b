// Characters that a content must not have.
#include <algorithm>

#include <unistd.h>

#include "lib/checks/inspect.h"

namespace facteur::checks {

Result<void> strip(const Source& source, std::string_view characters, std::uint64_t& size) {
    size = source.size;
    if (characters.empty()) return {};
    std::string block;
    std::uint64_t to = 0;
    for (std::uint64_t at = 0; at < source.size;) {
        block.resize(std::min(kBlock, source.size - at));
        TRY_VOID(read_at(source.fd, block, source.base + at));
        const bool moved = to != at;
        at += block.size();
        const auto gone = std::erase_if(
            block, [&](char c) { return characters.find(c) != std::string_view::npos; });
        if (moved || gone > 0) {
            TRY_VOID(write_at(source.fd, block, source.base + to));
        }
        to += block.size();
    }
    if (to != size && ftruncate(source.fd, static_cast<off_t>(source.base + to)) != 0)
        return system_error("truncate content");
    size = to;
    return {};
}

std::string unescape(std::string_view text) {
    constexpr std::string_view kNames = "abfnrtv\\";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\";
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        const char c = text[++i];
        if (c >= '0' && c <= '7') {
            unsigned value = 0;
            const std::size_t end = std::min(text.size(), i + 3);
            for (; i < end && text[i] >= '0' && text[i] <= '7'; ++i)
                value = value * 8 + static_cast<unsigned>(text[i] - '0');
            --i;
            out += static_cast<char>(value);
            continue;
        }
        const std::size_t name = kNames.find(c);
        out += name == std::string_view::npos ? c : kMeanings[name];
    }
    return out;
}

}  // namespace facteur::checks
