// What a SOCKS proxy answers: never read past its end, and no more is asked for than it may send.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/net/socks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace facteur;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (bool has_login : {false, true})
        (void)socks::parse_choice(text.substr(0, 2), has_login);
    (void)socks::parse_login_reply(text.substr(0, 2));
    auto whole = socks::reply_size(text.substr(0, 5));
    if (whole && (*whole < 7 || *whole > 262)) __builtin_trap();
    if (whole && text.size() >= *whole) (void)socks::parse_reply(text.substr(0, *whole));
    return 0;
}
