#include "pop3d/session.h"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/config/load.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/net/socket.h"
#include "lib/store/memory_store.h"
#include "pop3d/dot_stuffing.h"

using namespace facteur;
using namespace facteur::pop3d;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

std::string stuffed(const std::string& text, std::size_t block, std::uint64_t lines) {
    DotStuffing stuffing(lines);
    std::string out;
    for (std::size_t at = 0; at < text.size() && !stuffing.is_done(); at += block) {
        stuffing.append(out, std::string_view(text).substr(at, block));
    }
    stuffing.finish(out);
    return out;
}

const std::string kMessage = "Subject: one\r\n\r\n.dot\r\ntwo\r\nthree\r\n";

struct Fixture {
    Loop loop;
    store::MemoryStore store;
    Settings settings;

    Fixture() { REQUIRE(conf::load_text(settings, "").empty()); }

    /// What the server says to all of the input, until it ends the session.
    std::string talk(const std::string& input) {
        auto pair = socket_pair();
        REQUIRE(pair);
        Fd client = std::move(pair->first);
        REQUIRE(::write(client.get(), input.data(), input.size()) ==
                static_cast<ssize_t>(input.size()));
        ::shutdown(client.get(), SHUT_WR);
        Scope scope;
        Stream stream(scope, std::move(pair->second));
        Session session(stream, store, settings);
        scope.spawn(session.run());
        std::string said;
        bool more = true;
        loop.run_until([&] {
            char block[4096];
            for (;;) {
                ssize_t count = ::read(client.get(), block, sizeof block);
                if (count > 0) said.append(block, static_cast<std::size_t>(count));
                if (count == 0) more = false;
                if (count <= 0) break;
            }
            return !more && scope.running() == 0;
        });
        ending = session.ending();
        return said;
    }
    std::string ending;
};

}  // namespace

TEST_CASE("dots are doubled and the end is a line [RFC 1939 3]", "[pop3d]") {
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"", ".\r\n"},
        {"a", "a\r\n.\r\n"},
        {"a\r\n", "a\r\n.\r\n"},
        {".", "..\r\n.\r\n"},
        {".\r\n.\r\n", "..\r\n..\r\n.\r\n"},
        {"a.\r\n..b\r\n", "a.\r\n...b\r\n.\r\n"},
        {"a\r", "a\r\n.\r\n"},
        {"a\n.b\r\n", "a\n.b\r\n.\r\n"},
        {"\r\n.\r\n\r\n", "\r\n..\r\n\r\n.\r\n"},
    }));
    for (std::size_t block : {1, 2, 3, 100}) {
        INFO(text << " in blocks of " << block);
        CHECK(stuffed(text, block, DotStuffing::kAllLines) == expected);
    }
}

TEST_CASE("TOP stops after so many lines of the body [RFC 1939 7]", "[pop3d]") {
    auto [lines, expected] = GENERATE(table<std::uint64_t, std::string>({
        {0, "Subject: one\r\n\r\n.\r\n"},
        {1, "Subject: one\r\n\r\n..dot\r\n.\r\n"},
        {2, "Subject: one\r\n\r\n..dot\r\ntwo\r\n.\r\n"},
        {99, "Subject: one\r\n\r\n..dot\r\ntwo\r\nthree\r\n.\r\n"},
    }));
    for (std::size_t block : {1, 7, 100})
        CHECK(stuffed(kMessage, block, lines) == expected);
}

TEST_CASE_METHOD(Fixture, "a session reads and lists [RFC 1939 5]", "[pop3d]") {
    store.deliver("INBOX", kMessage);
    store.deliver("INBOX", "x\r\n");
    std::string said = talk(
        "STAT\r\nlist\r\nLIST 2\r\nUIDL\r\nUIDL 1\r\nRETR 1\r\nTOP 1 0\r\nNOOP\r\nLIST 3\r\n"
        "LIST 0\r\nLIST x\r\nTOP 1\r\nTOP 1 x\r\nFOO\r\nQUIT\r\n");
    CHECK(said ==
          "+OK Logged in.\r\n+OK 2 37\r\n+OK\r\n1 34\r\n2 3\r\n.\r\n+OK 2 3\r\n"
          "+OK\r\n1 00000001000003e8\r\n2 00000002000003e8\r\n.\r\n+OK 1 00000001000003e8\r\n"
          "+OK 34 octets\r\nSubject: one\r\n\r\n..dot\r\ntwo\r\nthree\r\n.\r\n"
          "+OK\r\nSubject: one\r\n\r\n.\r\n+OK\r\n-ERR There's no message 3.\r\n"
          "-ERR There's no message 0.\r\n-ERR Invalid message number: x\r\n"
          "-ERR Invalid number of lines.\r\n-ERR Invalid number of lines.\r\n"
          "-ERR Unknown command: FOO\r\n+OK Logging out.\r\n");
    CHECK(ending == "Logged out");
}

TEST_CASE_METHOD(Fixture, "messages go at QUIT and at no other time [RFC 1939 6]", "[pop3d]") {
    store.deliver("INBOX", kMessage);
    store.deliver("INBOX", "x\r\n");
    std::string said = talk("DELE 1\r\nDELE 1\r\nRETR 1\r\nSTAT\r\n");
    CHECK_THAT(said, EndsWith("+OK Marked to be deleted.\r\n-ERR Message is deleted.\r\n"
                              "-ERR Message is deleted.\r\n+OK 1 3\r\n"));
    CHECK(ending == "Connection closed");
    CHECK_THAT(talk("DELE 1\r\nRSET\r\nQUIT\r\n"), EndsWith("+OK Logging out.\r\n"));
    CHECK_THAT(talk("DELE 1\r\nQUIT\r\n"), EndsWith("+OK Logging out, messages deleted.\r\n"));
    CHECK_THAT(talk("UIDL\r\nQUIT\r\n"), Contains("\r\n1 00000002000003e8\r\n.\r\n"));
}

TEST_CASE_METHOD(Fixture, "numbers stay when another session removes a message", "[pop3d]") {
    std::uint32_t uid = store.deliver("INBOX", kMessage);
    store.deliver("INBOX", "x\r\n");
    store.take_away("INBOX", uid);
    CHECK_THAT(talk("STAT\r\nQUIT\r\n"), Contains("+OK 1 3\r\n"));
}

TEST_CASE_METHOD(Fixture, "what is no command ends the session in the end", "[pop3d]") {
    std::string input;
    for (int i = 0; i < 30; ++i)
        input += "FOO\r\n";
    CHECK_THAT(talk(input), EndsWith("-ERR Too many bad commands.\r\n"));
    CHECK_THAT(talk(std::string(600, 'x') + "\r\nQUIT\r\n"),
               Contains("-ERR Line too long.\r\n+OK"));
    CHECK_THAT(talk("CAPA\r\nQUIT\r\n"), Contains("\r\nPIPELINING\r\n"));
}
