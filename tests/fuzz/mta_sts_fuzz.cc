// The policy and the record of MTA-STS: texts that any domain on the Internet may serve.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/text.h"
#include "lib/smtp/mta_sts.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);  // NOLINT
    auto policy = smtp::parse_sts_policy(text);
    if (policy) {
        policy->allows(text.substr(0, 300));
        for (const std::string& pattern : policy->mx) {
            bool plain = !pattern.starts_with("*.") && !pattern.ends_with('.');
            if (plain && !policy->allows(pattern)) __builtin_trap();
        }
    }
    std::vector<std::string> texts;
    for (std::string_view one : split(text, '\0'))
        texts.emplace_back(one);
    auto id = smtp::sts_record_id(texts);
    if (id && (id->empty() || id->size() > 32)) __builtin_trap();
    return 0;
}
