#include "lib/net/socks.h"

#include <array>

#include "lib/net/stream.h"

namespace facteur::socks {
namespace {

constexpr char kVersion = 5;
constexpr char kLoginVersion = 1;
constexpr char kConnect = 1;
constexpr unsigned char kNoLogin = 0;
constexpr unsigned char kUserAndPassword = 2;
enum AddressType : unsigned char { ipv4 = 1, domain = 3, ipv6 = 4 };
constexpr std::size_t kHead = 4;  ///< version, reply, reserved, address type

Error failure(std::string text) {
    return Error{Error::Kind::temporary, "4.4.1", "SOCKS: " + std::move(text)};
}

/// RFC 1928 section 6.
std::string_view reply_text(unsigned char code) {
    constexpr std::array<std::string_view, 9> kTexts = {"succeeded",
                                                        "general failure",
                                                        "connection not allowed by ruleset",
                                                        "Network is unreachable",
                                                        "No route to host",
                                                        "Connection refused",
                                                        "TTL expired",
                                                        "command not supported",
                                                        "address type not supported"};
    return code < kTexts.size() ? kTexts.at(code) : "unknown failure";
}

unsigned char at(std::string_view text, std::size_t place) {
    return static_cast<unsigned char>(text[place]);
}

}  // namespace

std::string greeting(bool has_login) {
    std::string text{kVersion, has_login ? '\2' : '\1', static_cast<char>(kNoLogin)};
    if (has_login) text += static_cast<char>(kUserAndPassword);
    return text;
}

Result<bool> parse_choice(std::string_view two_bytes, bool has_login) {
    if (two_bytes.size() != 2 || two_bytes[0] != kVersion)
        return std::unexpected(failure("the proxy does not speak version 5"));
    if (at(two_bytes, 1) == kNoLogin) return false;
    if (at(two_bytes, 1) == kUserAndPassword && has_login) return true;
    return std::unexpected(failure("the proxy wants another way to log in"));
}

std::string login_request(const Login& login) {
    std::string text(1, kLoginVersion);
    for (const std::string& field : {login.user, login.password}) {
        std::string_view said = std::string_view(field).substr(0, 255);
        text += static_cast<char>(said.size());
        text += said;
    }
    return text;
}

Result<void> parse_login_reply(std::string_view two_bytes) {
    if (two_bytes.size() == 2 && two_bytes[1] == 0) return {};
    return std::unexpected(failure("the proxy refused the password"));
}

std::string connect_request(const Address& target) {
    bool six = target.family() == Address::Family::ipv6;
    std::string text{kVersion, kConnect, '\0', static_cast<char>(six ? ipv6 : ipv4)};
    text += target.bytes();
    text += static_cast<char>(target.port() >> 8);
    text += static_cast<char>(target.port() & 0xff);
    return text;
}

Result<std::size_t> reply_size(std::string_view first_five) {
    if (first_five.size() != kHead + 1 || first_five[0] != kVersion)
        return std::unexpected(failure("the proxy does not speak version 5"));
    constexpr std::size_t kPort = 2;
    switch (at(first_five, 3)) {
        case ipv4:
            return kHead + 4 + kPort;
        case ipv6:
            return kHead + 16 + kPort;
        case domain:
            return kHead + 1 + at(first_five, kHead) + kPort;
        default:
            return std::unexpected(failure("malformed reply"));
    }
}

Result<void> parse_reply(std::string_view reply) {
    if (reply.size() < 2 || reply[0] != kVersion)
        return std::unexpected(failure("malformed reply"));
    if (reply[1] == 0) return {};
    return std::unexpected(failure(std::string(reply_text(at(reply, 1)))));
}

Task<Result<void>> connect_through(Stream& stream, Address target, std::optional<Login> login) {
    stream.put(greeting(login.has_value()));
    co_await stream.flush();
    std::string answer = co_await stream.read_exactly(2);
    CO_TRY(bool wants_login, parse_choice(answer, login.has_value()));
    if (wants_login) {
        stream.put(login_request(*login));
        co_await stream.flush();
        answer = co_await stream.read_exactly(2);
        CO_TRY_VOID(parse_login_reply(answer));
    }
    stream.put(connect_request(target));
    co_await stream.flush();
    answer = co_await stream.read_exactly(kHead + 1);
    CO_TRY(std::size_t size, reply_size(answer));
    answer += co_await stream.read_exactly(size - answer.size());
    co_return parse_reply(answer);
}

}  // namespace facteur::socks
