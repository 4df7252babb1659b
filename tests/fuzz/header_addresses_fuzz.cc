#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lib/cleanup/header_addresses.h"

using namespace facteur::cleanup;

/// What is found lies in the text in order, and what is put there is found again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view value(reinterpret_cast<const char*>(data), size);
    auto spans = address_spans(value, 1000);
    std::size_t done = 0;
    for (AddressSpan& span : spans) {
        if (span.at < done || span.size == 0 || span.at + span.size > size) std::abort();
        if (span.address.empty()) std::abort();
        done = span.at + span.size;
        span.address = "u@x.test";
    }
    const auto again = address_spans(with_addresses(value, spans), 1000);
    if (again.size() != spans.size()) std::abort();
    for (const AddressSpan& span : again)
        if (span.address != "u@x.test") std::abort();
    return 0;
}
