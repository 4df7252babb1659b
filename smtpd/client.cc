#include "smtpd/client.h"

namespace facteur::smtpd {

std::string client_key(const Address& address, int ipv4_prefix, int ipv6_prefix) {
    const bool is_v6 = address.family() == Address::Family::ipv6;
    const int prefix = is_v6 ? ipv6_prefix : ipv4_prefix;
    const int all = is_v6 ? 128 : 32;
    if (!address.is_ip() || prefix >= all) return address.ip();
    std::string bytes = address.bytes();
    for (int bit = prefix; bit < all; ++bit) {
        char& byte = bytes[static_cast<std::size_t>(bit / 8)];
        byte = static_cast<char>(byte & ~(0x80 >> (bit % 8)));
    }
    return Address::from_bytes(bytes).ip() + "/" + std::to_string(prefix);
}

}  // namespace facteur::smtpd
