#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "lib/mime/seven_bit.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    auto converted = facteur::mime::to_seven_bit(bytes);
    if (!converted) return 0;
    bool ascii = std::ranges::all_of(*converted, [](char c) { return c >= 0; });
    if (!ascii) __builtin_trap();
    return 0;
}
