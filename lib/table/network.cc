#include "lib/table/network.h"

#include <arpa/inet.h>

#include "lib/base/text.h"

namespace facteur::table {
namespace {

/// The bytes with everything behind the prefix zeroed.
std::string masked(std::string bytes, unsigned prefix) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const unsigned before = static_cast<unsigned>(i) * 8;
        unsigned mask = 0xff;
        if (prefix <= before) {
            mask = 0;
        } else if (prefix - before < 8) {
            mask = 0xff00u >> (prefix - before);
        }
        bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) & mask);
    }
    return bytes;
}

std::string text_of(const std::string& bytes) {
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

}  // namespace

std::optional<std::string> address_bytes(std::string_view ip) {
    if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
    const std::string text(ip);
    unsigned char bytes[16];
    if (inet_pton(AF_INET, text.c_str(), bytes) == 1)
        return std::string(reinterpret_cast<char*>(bytes), 4);
    if (inet_pton(AF_INET6, text.c_str(), bytes) != 1) return std::nullopt;
    const std::string all(reinterpret_cast<char*>(bytes), 16);
    static const std::string kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
    return all.starts_with(kMapped) ? all.substr(12) : all;
}

Result<Network> Network::parse(std::string_view text) {
    const auto slash = text.find('/');
    auto bytes = address_bytes(text.substr(0, slash));
    if (!bytes) return permanent("\"" + printable(text, 60) + "\" is not an IP address or network");
    Network network;
    network.prefix_ = static_cast<unsigned>(bytes->size()) * 8;
    if (slash != std::string_view::npos) {
        auto prefix = parse_number(text.substr(slash + 1));
        if (!prefix || *prefix > network.prefix_)
            return permanent("\"" + printable(text, 60) + "\" has a wrong prefix length");
        network.prefix_ = static_cast<unsigned>(*prefix);
    }
    network.bytes_ = masked(*bytes, network.prefix_);
    if (network.bytes_ != *bytes) {
        return permanent("non-null host address bits in \"" + std::string(text) +
                         "\", perhaps you should use \"" + text_of(network.bytes_) + "/" +
                         std::to_string(network.prefix_) + "\" instead");
    }
    return network;
}

bool Network::contains(std::string_view address) const {
    if (address.size() != bytes_.size()) return false;
    return masked(std::string(address), prefix_) == bytes_;
}

}  // namespace facteur::table
