#include "lib/net/proxy_header.h"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/event/scope.h"

using namespace facteur;

namespace {

std::string binary(char command, char family, const std::string& block) {
    std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
    bytes += command;
    bytes += family;
    bytes += static_cast<char>(block.size() >> 8);
    bytes += static_cast<char>(block.size() & 0xFF);
    return bytes + block;
}

const std::string kBlock4("\xC0\x00\x02\x07\xC6\x33\x64\x01\x12\x67\x00\x19", 12);
std::string block6() {
    std::string block = "\x20\x01\x0d\xb8" + std::string(11, '\0') + "\x07";
    return block + block + std::string("\x12\x67\x00\x19", 4);
}

}  // namespace

TEST_CASE("a PROXY header names both ends", "[net]") {
    const auto text = parse_proxy_header("PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\nEHLO a\r\n");
    REQUIRE((text && *text));
    CHECK((*text)->size == 43);
    CHECK((*text)->is_proxied);
    CHECK((*text)->source.text() == "192.0.2.7:4711");
    CHECK((*text)->destination.text() == "198.51.100.1:25");
    const auto six = parse_proxy_header("PROXY TCP6 2001:db8::7 2001:db8::1 4711 25\r\n");
    REQUIRE((six && *six));
    CHECK((*six)->source.text() == "[2001:db8::7]:4711");
    const auto four = parse_proxy_header(
        binary(0x21, 0x11, kBlock4 + std::string("\x03\x00\x04 tlv", 7)) + "EHLO");
    REQUIRE((four && *four));
    CHECK((*four)->size == 16 + 12 + 7);
    CHECK((*four)->source.text() == "192.0.2.7:4711");
    CHECK((*four)->destination.text() == "198.51.100.1:25");
    const auto v6 = parse_proxy_header(binary(0x21, 0x21, block6()));
    REQUIRE((v6 && *v6));
    CHECK((*v6)->source.text() == "[2001:db8::7]:4711");
}

TEST_CASE("a proxy that speaks for itself names nobody", "[net]") {
    for (const std::string& bytes :
         {std::string("PROXY UNKNOWN\r\n"), std::string("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"),
          binary(0x20, 0x00, ""), binary(0x20, 0x11, kBlock4),
          binary(0x21, 0x31, std::string(216, 'x')), binary(0x21, 0x12, kBlock4)}) {
        const auto header = parse_proxy_header(bytes);
        REQUIRE((header && *header));
        CHECK_FALSE((*header)->is_proxied);
        CHECK((*header)->size == bytes.size());
    }
}

TEST_CASE("what is no PROXY header is an error, and half of one is not", "[net]") {
    for (const std::string& bytes :
         {std::string("EHLO a\r\n"), std::string("PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n"),
          std::string("PROXY TCP4 192.0.2.7 198.51.100.1 4711 65536\r\n"),
          std::string("PROXY TCP4 192.0.2.7 198.51.100.1 04711 25\r\n"),
          std::string("PROXY TCP4 2001:db8::7 2001:db8::1 4711 25\r\n"),
          std::string("PROXY TCP6 192.0.2.7 198.51.100.1 4711 25\r\n"),
          std::string("PROXY TCP4 host.test 198.51.100.1 4711 25\r\n"),
          std::string("PROXY UDP4 192.0.2.7 198.51.100.1 4711 25\r\n"),
          "PROXY " + std::string(102, 'x'), binary(0x31, 0x11, kBlock4),
          binary(0x22, 0x11, kBlock4), binary(0x21, 0x11, kBlock4.substr(1)),
          binary(0x21, 0x41, kBlock4), binary(0x21, 0x11, std::string(5000, 'x'))}) {
        INFO(bytes);
        CHECK_FALSE(parse_proxy_header(bytes));
    }
    for (const std::string& whole : {std::string("PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n"),
                                     binary(0x21, 0x11, kBlock4), binary(0x21, 0x21, block6())}) {
        for (std::size_t n = 0; n < whole.size(); ++n) {
            const auto part = parse_proxy_header(std::string_view(whole).substr(0, n));
            REQUIRE(part);
            CHECK_FALSE(*part);
        }
    }
}

namespace {

Task<void> take(Scope& scope, const Fd& socket, std::optional<Result<ProxyHeader>>& result) {
    Result<ProxyHeader> header = co_await read_proxy_header(scope, socket, Milliseconds(1000));
    result.emplace(std::move(header));
}

}  // namespace

TEST_CASE("the header is taken off a socket, in pieces and no byte more", "[net]") {
    Loop loop;
    Scope scope;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    Fd ours(ends[0]);
    Fd theirs(ends[1]);
    std::optional<Result<ProxyHeader>> result;
    scope.spawn(take(scope, ours, result));
    const auto say = [&](std::string_view text) {
        REQUIRE(::write(theirs.get(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    };
    SECTION("whole") {
        say("PROXY TCP4 192.0.2.7 198.51.1");
        int turns = 0;
        loop.run_until([&] { return ++turns > 2; });
        CHECK_FALSE(result);
        say("00.1 4711 25\r\nEHLO a\r\n");
        loop.run_until([&] { return result.has_value(); });
        REQUIRE(*result);
        CHECK((**result).source.ip() == "192.0.2.7");
        char rest[16];
        CHECK(::read(ours.get(), rest, sizeof rest) == 8);
    }
    SECTION("never") {
        say("PROXY ");
        int turns = 0;
        loop.run_until([&] { return ++turns > 2; });
        loop.advance(Milliseconds(1500));
        loop.run_until([&] { return result.has_value(); });
        CHECK_FALSE(*result);
    }
    SECTION("but a hang-up") {
        theirs.reset();
        loop.run_until([&] { return result.has_value(); });
        CHECK_FALSE(*result);
    }
}
