#include "lib/net/address.h"

#include <catch2/catch.hpp>

using namespace facteur;

TEST_CASE("an address reads back what it writes", "[net]") {
    auto [text, ip, literal] = GENERATE(table<std::string, std::string, std::string>({
        {"192.0.2.1:25", "192.0.2.1", "[192.0.2.1]"},
        {"[2001:db8::1]:587", "2001:db8::1", "[IPv6:2001:db8::1]"},
        {"unix:private/lmtp", "private/lmtp", "[private/lmtp]"},
    }));
    auto address = Address::parse(text);
    REQUIRE(address);
    CHECK(address->text() == text);
    CHECK(address->ip() == ip);
    CHECK(address->literal() == literal);
    sockaddr_storage storage{};
    socklen_t size = address->fill(storage);
    REQUIRE(size > 0);
    CHECK(Address::from(reinterpret_cast<sockaddr*>(&storage), size) == *address);
}

TEST_CASE("what is no address is refused", "[net]") {
    auto text = GENERATE("", "x", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2:1",
                         "2001:db8::1:25x", "2001:db8::1:25", "[192.0.2.1]:25", "name:25", "[::1]");
    INFO(text);
    CHECK_FALSE(Address::parse(text));
}

TEST_CASE("an IPv4-mapped address is an IPv4 address", "[net]") {
    CHECK(Address::from_ip("::ffff:192.0.2.1") == Address::from_ip("192.0.2.1"));
}

TEST_CASE("reverse names [RFC 1035 3.5, RFC 3596 2.5]", "[net]") {
    CHECK(Address::from_ip("192.0.2.1")->reverse_name() == "1.2.0.192.in-addr.arpa");
    CHECK(Address::from_ip("2001:db8::567:89ab")->reverse_name() ==
          "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST_CASE("loopback is told from the rest", "[net]") {
    CHECK(Address::from_ip("127.9.9.9")->is_loopback());
    CHECK(Address::from_ip("::1")->is_loopback());
    CHECK_FALSE(Address::from_ip("192.0.2.1")->is_loopback());
    CHECK_FALSE(Address().is_loopback());
}
