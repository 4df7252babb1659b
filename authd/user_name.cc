#include "authd/user_name.h"

#include <algorithm>
#include <climits>

#include "lib/base/text.h"
#include "lib/net/address.h"

namespace facteur::authd {
namespace {

std::string value_of(char variable, const Variables& variables) {
    const std::string& user = variables.user;
    const auto at = user.rfind('@');
    switch (variable) {
        case 'u':
            return user;
        case 'n':
            return user.substr(0, at);
        case 'd':
            return at == std::string::npos ? std::string() : user.substr(at + 1);
        case 'h':
            return variables.home;
        case 's':
            return variables.service;
        case '%':
            return "%";
        default:
            return {};
    }
}

bool in_network(const Address& address, std::string_view network) {
    const auto slash = network.find('/');
    const auto base = Address::from_ip(network.substr(0, slash));
    if (!base || base->family() != address.family()) return false;
    std::size_t bits = base->bytes().size() * CHAR_BIT;
    if (slash != std::string_view::npos) {
        const auto written = parse_number(network.substr(slash + 1));
        if (!written || *written > bits) return false;
        bits = *written;
    }
    for (std::size_t i = 0; i < bits; ++i) {
        const int mask = 0x80 >> (i % CHAR_BIT);
        const std::size_t byte = i / CHAR_BIT;
        if ((address.bytes()[byte] & mask) != (base->bytes()[byte] & mask)) return false;
    }
    return true;
}

}  // namespace

std::string expand(std::string_view text, const Variables& variables) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        char modifier = text[++i];
        if ((modifier == 'L' || modifier == 'U') && i + 1 < text.size()) {
            ++i;
        } else {
            modifier = 0;
        }
        const std::string value = value_of(text[i], variables);
        if (modifier == 'L') {
            out += to_lower(value);
        } else {
            out += modifier == 'U' ? to_upper(value) : value;
        }
    }
    return out;
}

bool is_safe_user(std::string_view user) {
    if (user.empty() || user.size() > 255 || user.front() == '.') return false;
    if (user.find("..") != std::string_view::npos || user.find("@.") != std::string_view::npos) {
        return false;
    }
    return std::ranges::none_of(user, [](char c) {
        return c == '/' || c == ':' || c == ' ' || static_cast<unsigned char>(c) < ' ' || c == 127;
    });
}

bool in_networks(std::string_view address, std::string_view networks) {
    const auto client = Address::from_ip(address);
    if (!client) return false;
    return std::ranges::any_of(words(networks, ", "),
                               [&](std::string_view n) { return in_network(*client, n); });
}

}  // namespace facteur::authd
