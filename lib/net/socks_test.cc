#include "lib/net/socks.h"

#include <catch2/catch.hpp>

#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/net/socket.h"
#include "lib/net/stream.h"

using namespace facteur;
using namespace std::string_literals;

TEST_CASE("what a SOCKS client says [RFC 1928 3, 4; RFC 1929 2]", "[net]") {
    CHECK(socks::greeting(false) == "\5\1\0"s);
    CHECK(socks::greeting(true) == "\5\2\0\2"s);
    CHECK(socks::login_request({"tim", "pw"}) == "\1\3tim\2pw"s);
    CHECK(socks::login_request({std::string(300, 'u'), ""}).size() == 1 + 1 + 255 + 1);
    CHECK(socks::connect_request(*Address::from_ip("192.0.2.1", 25)) ==
          "\5\1\0\1\xc0\0\2\1\0\x19"s);
    CHECK(socks::connect_request(*Address::from_ip("2001:db8::1", 587)) ==
          "\5\1\0\4\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\2\x4b"s);
}

TEST_CASE("what a SOCKS proxy may answer [RFC 1928 3, 6]", "[net]") {
    CHECK(socks::parse_choice("\5\0"s, false).value() == false);
    CHECK(socks::parse_choice("\5\2"s, true).value() == true);
    for (const std::string& bad : {"\5\2"s, "\5\1"s, "\5\xff"s, "\4\0"s, "\5"s, ""s})
        CHECK_FALSE(socks::parse_choice(bad, false));
    CHECK(socks::parse_login_reply("\1\0"s));
    CHECK_FALSE(socks::parse_login_reply("\1\1"s));
    CHECK_FALSE(socks::parse_login_reply(""));
    CHECK(socks::reply_size("\5\0\0\1\x7f"s).value() == 10);
    CHECK(socks::reply_size("\5\0\0\4\x20"s).value() == 22);
    CHECK(socks::reply_size("\5\0\0\3\xff"s).value() == 5 + 255 + 2);
    CHECK_FALSE(socks::reply_size("\5\0\0\2\0"s));
    CHECK_FALSE(socks::reply_size("\4\0\0\1\0"s));
    CHECK_FALSE(socks::reply_size("\5\0\0\1"s));
    CHECK(socks::parse_reply("\5\0\0\1\0\0\0\0\0\0"s));
    CHECK(socks::parse_reply("\5\5\0\1\0\0\0\0\0\0"s).error().text == "SOCKS: Connection refused");
    CHECK(socks::parse_reply("\5\x63"s).error().text == "SOCKS: unknown failure");
    CHECK_FALSE(socks::parse_reply(""));
}

namespace {

Task<void> proxy(Scope& scope, Fd fd, std::string& heard) {
    Stream stream(scope, std::move(fd));
    try {
        heard = co_await stream.read_exactly(4);
        stream.put("\5\2"s);
        co_await stream.flush();
        heard += co_await stream.read_exactly(6);
        stream.put("\1\0"s);
        co_await stream.flush();
        heard += co_await stream.read_exactly(10);
        stream.put("\5\0\0\3\4host\0\x19"s + "220 hello\r\n");
        co_await stream.flush();
    } catch (const Disconnect&) {
    }
}

Task<void> client(Stream& stream, std::string& greeting) {
    const socks::Login login{"u", "pw"};
    Address target = *Address::from_ip("192.0.2.1", 25);
    auto done = co_await socks::connect_through(stream, target, login);
    if (!done) co_return;
    Line line = co_await stream.read_line(100);
    greeting = line.text;
}

}  // namespace

TEST_CASE("a stream goes on behind the proxy", "[net]") {
    Loop loop;
    Scope scope;
    auto pair = socket_pair();
    std::string heard;
    std::string greeting;
    Stream stream(scope, std::move(pair->first));
    scope.spawn(proxy(scope, std::move(pair->second), heard));
    scope.spawn(client(stream, greeting));
    loop.run_until([&] { return scope.running() == 0; });
    CHECK(heard == "\5\2\0\2\1\1u\2pw\5\1\0\1\xc0\0\2\1\0\x19"s);
    CHECK(greeting == "220 hello");
}
