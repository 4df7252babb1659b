#include "lib/daemon/peer_count.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace facteur::daemon {
namespace {

std::string_view bytes_of(const sockaddr& address) {
    if (address.sa_family == AF_INET) {
        const auto& ip = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
        return std::string_view(reinterpret_cast<const char*>(&ip), sizeof ip);
    }
    if (address.sa_family != AF_INET6) return std::string_view();
    const auto& ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    std::string_view bytes(reinterpret_cast<const char*>(&ip), sizeof ip);
    return IN6_IS_ADDR_V4MAPPED(&ip) ? bytes.substr(12) : bytes;
}

}  // namespace

std::string PeerCount::key(const sockaddr& address) {
    return std::string(bytes_of(address).substr(0, 8));
}

std::size_t PeerCount::add(const std::string& key) {
    return ++counts_[key];
}

void PeerCount::remove(const std::string& key) {
    auto found = counts_.find(key);
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

std::string address_text(const sockaddr& address) {
    std::string_view bytes = bytes_of(address);
    if (bytes.empty()) return "local";
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

}  // namespace facteur::daemon
