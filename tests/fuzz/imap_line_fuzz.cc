#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/store/exchange/imap_line.h"

/// Any bytes as what another IMAP server says, and as its dates and URLs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace facteur::store;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)exchange::parse_imap_line(text);
    (void)exchange::literal_at_end(text);
    (void)exchange::parse_internal_date(text);
    (void)exchange::parse_imap_url(text);
    return 0;
}
