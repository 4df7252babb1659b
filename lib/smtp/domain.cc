#include "lib/smtp/domain.h"

#include <cstring>

#include <arpa/inet.h>

#include "lib/base/text.h"

namespace facteur::smtp {

namespace {

bool is_label_char(char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
}

bool is_label(std::string_view label, bool utf8) {
    if (label.empty() || label.size() > kMaxLabel) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
        if (!is_label_char(c) && !(utf8 && (c & '\x80'))) return false;
    }
    return true;
}

template <class Storage>
bool is_ip(int family, std::string_view text) {
    char copy[INET6_ADDRSTRLEN];
    if (text.empty() || text.size() >= sizeof copy) return false;
    std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = '\0';
    Storage address;
    return std::strlen(copy) == text.size() && inet_pton(family, copy, &address) == 1;
}

constexpr std::string_view kIpv6Tag = "IPv6:";

}  // namespace

bool is_domain(std::string_view text, bool utf8) {
    if (text.empty() || text.size() > kMaxDomain) return false;
    if (utf8 && !is_utf8(text)) return false;
    while (true) {
        const std::size_t dot = text.find('.');
        if (!is_label(text.substr(0, dot), utf8)) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

bool is_numeric_name(std::string_view text) {
    return text.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_ipv4(std::string_view text) {
    return is_ip<in_addr>(AF_INET, text);
}

bool is_ipv6(std::string_view text) {
    return is_ip<in6_addr>(AF_INET6, text);
}

std::string_view literal_address(std::string_view text) {
    if (text.size() < 3 || text.front() != '[' || text.back() != ']') return {};
    const std::string_view inner = text.substr(1, text.size() - 2);
    if (is_ipv4(inner)) return inner;
    if (!istarts_with(inner, kIpv6Tag)) return {};
    const std::string_view v6 = inner.substr(kIpv6Tag.size());
    return is_ipv6(v6) ? v6 : std::string_view();
}

// RFC 5321 section 4.1.3: General-address-literal = Standardized-tag ":" 1*dcontent
bool is_address_literal(std::string_view text) {
    if (!literal_address(text).empty()) return true;
    if (text.size() < 3 || text.size() > kMaxDomain) return false;
    if (text.front() != '[' || text.back() != ']') return false;
    const std::string_view inner = text.substr(1, text.size() - 2);
    const std::size_t colon = inner.find(':');
    if (colon == std::string_view::npos || colon + 1 == inner.size()) return false;
    if (istarts_with(inner, kIpv6Tag) || !is_label(inner.substr(0, colon), false)) return false;
    // An '@' would be legal, but the unquoted form of such an address could be read two ways.
    for (const char c : inner.substr(colon + 1)) {
        if (c < '!' || c > '~') return false;
        if (std::string_view("[]\\@\"<>").find(c) != std::string_view::npos) return false;
    }
    return true;
}

bool is_fqdn(std::string_view text, bool utf8) {
    return text.find('.') != std::string_view::npos && is_domain(text, utf8);
}

bool is_ascii(std::string_view text) {
    for (const char c : text) {
        if (c & '\x80') return false;
    }
    return true;
}

// RFC 3629 section 4
bool is_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = byte(i);
        std::size_t more = 0;
        unsigned low = 0x80;
        unsigned high = 0xBF;
        if (lead < 0x80) {
            ++i;
            continue;
        }
        if (lead >= 0xC2 && lead <= 0xDF) {
            more = 1;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            more = 2;
            if (lead == 0xE0) low = 0xA0;
            if (lead == 0xED) high = 0x9F;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            more = 3;
            if (lead == 0xF0) low = 0x90;
            if (lead == 0xF4) high = 0x8F;
        } else {
            return false;
        }
        if (text.size() - i <= more) return false;
        for (std::size_t k = 1; k <= more; ++k) {
            if (byte(i + k) < low || byte(i + k) > high) return false;
            low = 0x80;
            high = 0xBF;
        }
        i += more + 1;
    }
    return true;
}

}  // namespace facteur::smtp
