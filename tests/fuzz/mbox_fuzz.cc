#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/store/exchange/mbox.h"

/// Reads any bytes as an mbox file: each message takes some of them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace facteur::store;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    exchange::MboxReader reader(text);
    exchange::SourceMessage message;
    std::size_t left = size + 1;
    while (reader.next(message)) {
        if (reader.left() >= left) __builtin_trap();
        left = reader.left();
    }
    return 0;
}
