#include "lib/smtp/tlsa.h"

#include "lib/base/encoding.h"

namespace facteur::smtp {

std::optional<Tlsa> parse_tlsa(std::string_view rdata) {
    if (rdata.size() < 4) return std::nullopt;
    Tlsa record;
    record.usage = static_cast<std::uint8_t>(rdata[0]);
    record.selector = static_cast<std::uint8_t>(rdata[1]);
    record.matching = static_cast<std::uint8_t>(rdata[2]);
    record.data = rdata.substr(3);
    return record;
}

bool Tlsa::usable() const {
    constexpr std::size_t kSha256 = 32, kSha512 = 64;
    // RFC 7672 section 3.1.3: usages 0 and 1 need authorities that SMTP has not agreed on.
    if (usage != 2 && usage != 3) return false;
    if (selector > 1 || matching > 2) return false;
    if (matching == 1) return data.size() == kSha256;
    if (matching == 2) return data.size() == kSha512;
    return true;
}

std::string Tlsa::text() const {
    return std::to_string(usage) + " " + std::to_string(selector) + " " + std::to_string(matching) +
           " " + hex_encode(data);
}

}  // namespace facteur::smtp
