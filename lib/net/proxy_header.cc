#include "lib/net/proxy_header.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/readiness.h"

namespace facteur {
namespace {

using Parsed = Result<std::optional<ProxyHeader>>;

constexpr std::string_view kText = "PROXY ";                     // section 2.1
constexpr std::string_view kBinary("\r\n\r\n\0\r\nQUIT\n", 12);  // section 2.2
constexpr std::size_t kMostText = 107;                           ///< section 2.1, with CR LF
constexpr std::size_t kFixed = 16;                               ///< of a binary header

/// What may follow and what follows already agree.
bool may_become(std::string_view bytes, std::string_view start) {
    const std::size_t common = std::min(bytes.size(), start.size());
    return bytes.substr(0, common) == start.substr(0, common);
}

std::optional<Address> text_address(std::string_view ip, std::string_view port,
                                    Address::Family family) {
    const auto number = parse_number(port);
    if (!number || *number > 65535 || (port.size() > 1 && port.front() == '0')) return std::nullopt;
    auto address = Address::from_ip(ip, static_cast<std::uint16_t>(*number));
    if (!address || ip.starts_with('[')) return std::nullopt;
    // An IPv4-mapped address in TCP6 became IPv4, which is what everybody means by it.
    const bool is_v6 = ip.find(':') != std::string_view::npos;
    if (is_v6 != (family == Address::Family::ipv6)) return std::nullopt;
    return address;
}

/// "PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\r\n"
Parsed parse_text(std::string_view bytes) {
    const std::size_t end = bytes.find("\r\n");
    if (end == std::string_view::npos) {
        if (bytes.size() >= kMostText) return permanent("PROXY header without end");
        return std::nullopt;
    }
    if (end + 2 > kMostText) return permanent("PROXY header is too long");
    ProxyHeader header;
    header.size = end + 2;
    const auto field = split(bytes.substr(0, end), ' ');
    if (field.size() >= 2 && field[1] == "UNKNOWN") return header;
    if (field.size() != 6) return permanent("PROXY header has not six fields");
    const bool is_v4 = field[1] == "TCP4";
    if (!is_v4 && field[1] != "TCP6") return permanent("PROXY header of an unknown protocol");
    const auto family = is_v4 ? Address::Family::ipv4 : Address::Family::ipv6;
    const auto source = text_address(field[2], field[4], family);
    const auto destination = text_address(field[3], field[5], family);
    if (!source || !destination) return permanent("PROXY header has a bad address");
    header.is_proxied = true;
    header.source = *source;
    header.destination = *destination;
    return header;
}

std::uint16_t two_bytes(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                      static_cast<unsigned char>(bytes[at + 1]));
}

/// The addresses of a binary header; what follows them (type-length-value) is of no use here.
Result<ProxyHeader> binary_addresses(std::string_view block, unsigned family) {
    ProxyHeader header;
    const std::size_t width = family == 1 ? 4 : 16;
    if (block.size() < 2 * width + 4) return permanent("PROXY header is too short");
    header.is_proxied = true;
    header.source = Address::from_bytes(block.substr(0, width), two_bytes(block, 2 * width));
    header.destination =
        Address::from_bytes(block.substr(width, width), two_bytes(block, 2 * width + 2));
    return header;
}

Parsed parse_binary(std::string_view bytes) {
    if (bytes.size() < kFixed) return std::nullopt;
    const auto version_command = static_cast<unsigned char>(bytes[12]);
    const auto family_protocol = static_cast<unsigned char>(bytes[13]);
    const std::size_t size = kFixed + two_bytes(bytes, 14);
    if (version_command >> 4 != 2) return permanent("PROXY header of an unknown version");
    const unsigned command = version_command & 0x0F;
    if (command > 1) return permanent("PROXY header with an unknown command");
    if (size > kMostProxyHeader) return permanent("PROXY header is too long");
    if (bytes.size() < size) return std::nullopt;
    ProxyHeader header;
    const unsigned family = family_protocol >> 4;
    const unsigned protocol = family_protocol & 0x0F;
    if (family > 3 || protocol > 2) return permanent("PROXY header of an unknown family");
    // LOCAL, and what is neither TCP over IPv4 nor over IPv6: the addresses of the connection
    // count.
    if (command == 1 && protocol == 1 && (family == 1 || family == 2)) {
        TRY(header, binary_addresses(bytes.substr(kFixed, size - kFixed), family));
    }
    header.size = size;
    return header;
}

/// Nothing: the peer has not said enough yet.
Parsed look(int fd) {
    std::array<char, kMostProxyHeader> block{};
    const ssize_t got = ::recv(fd, block.data(), block.size(), MSG_PEEK | MSG_DONTWAIT);
    if (got == 0) return temporary("the peer closed the connection before its PROXY header");
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
    if (got < 0) return system_error("recv");
    auto parsed = parse_proxy_header({block.data(), static_cast<std::size_t>(got)});
    if (!parsed || !*parsed) return parsed;
    if (::recv(fd, block.data(), (*parsed)->size, MSG_DONTWAIT) !=
        static_cast<ssize_t>((*parsed)->size))
        return system_error("recv");
    return parsed;
}

}  // namespace

Parsed parse_proxy_header(std::string_view bytes) {
    if (bytes.empty()) return std::nullopt;
    if (may_become(bytes, kBinary)) return parse_binary(bytes);
    if (may_become(bytes, kText)) return parse_text(bytes);
    return permanent("no PROXY header");
}

Task<Result<ProxyHeader>> read_proxy_header(Scope& scope, const Fd& socket, Milliseconds patience) {
    const TimePoint deadline = Loop::current().now() + patience;
    Readiness readiness(socket.get());
    std::string failure;
    try {
        for (;;) {
            Parsed parsed = look(socket.get());
            if (!parsed) co_return std::unexpected(std::move(parsed).error());
            if (*parsed) co_return **std::move(parsed);
            readiness.would_block(Readiness::read);
            co_await readiness.wait(Readiness::read, scope, deadline);
        }
    } catch (const Cancelled&) {
        throw;
    } catch (const TimedOut&) {
        failure = "no whole PROXY header in time";
    }
    co_return temporary(failure);
}

}  // namespace facteur
