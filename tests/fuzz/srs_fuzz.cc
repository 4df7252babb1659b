// Addresses that strangers may have made up: reverse() never believes one, and what forward()
// makes is found again.
#include <cstdlib>

#include "lib/smtp/srs.h"

using namespace facteur::smtp;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    SrsRules rules;
    rules.domain = "fwd.example";
    rules.secrets = {"one", "two"};
    rules.hash_length = rules.hash_minimum = 20;
    const Srs srs(rules);
    constexpr std::int64_t kNow = 1'700'000'000;
    if (srs.reverse(text, kNow)) std::abort();
    const auto made = srs.forward(text, kNow);
    if (!made) return 0;
    const auto back = srs.reverse(*made, kNow);
    if (made->starts_with("SRS0") && (!back || *back != text)) std::abort();
    if (!srs.is_ours(*made)) std::abort();
    return 0;
}
