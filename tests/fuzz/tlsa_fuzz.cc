// The data of a TLSA record.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/smtp/tlsa.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rdata(reinterpret_cast<const char*>(data), size);  // NOLINT
    auto record = facteur::smtp::parse_tlsa(rdata);
    if (record && record->data.size() + 3 != size) __builtin_trap();
    if (record && record->usable() && record->text().size() < 7) __builtin_trap();
    return 0;
}
