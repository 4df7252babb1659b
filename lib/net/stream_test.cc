#include "lib/net/stream.h"

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/sleep.h"
#include "lib/net/socket.h"

using namespace facteur;

namespace {

struct Pair {
    Loop loop;
    Scope scope;
    std::unique_ptr<Stream> a, b;

    Pair() {
        auto ends = socket_pair();
        a = std::make_unique<Stream>(scope, std::move(ends->first));
        b = std::make_unique<Stream>(scope, std::move(ends->second));
    }
    ~Pair() {
        scope.cancel();
        loop.run_until([this] { return scope.running() == 0; });
    }
    void run() {
        loop.run_until([this] { return scope.running() == 0; });
    }
};

Task<void> send(Stream& stream, std::string text) {
    stream.put(std::move(text));
    co_await stream.flush();
}

Task<void> send_and_close(Stream& stream, std::string text) {
    co_await send(stream, std::move(text));
    stream.close();
}

Task<void> read_lines(Stream& stream, std::size_t limit, std::vector<Line>& lines) {
    for (;;)
        lines.push_back(co_await stream.read_line(limit));
}

Task<void> read_bytes(Stream& stream, std::string& bytes) {
    for (;;) {
        std::string_view piece = co_await stream.peek();
        bytes += piece;
        stream.consume(piece.size());
    }
}

Task<void> catch_it(Task<void> work, std::string& what) {
    try {
        co_await work;
        what = "no exception";
    } catch (const TimedOut&) {
        what = "timed out";
    } catch (const Cancelled&) {
        what = "cancelled";
    } catch (const Closed&) {
        what = "closed";
    }
}

Task<void> drip(Scope& scope, Stream& stream, Loop& loop) {
    for (;;) {
        co_await send(stream, "x");
        loop.advance(Seconds(1));
        co_await Sleep(scope, Milliseconds(1));
    }
}

Task<void> read_one(Stream& stream, Seconds budget) {
    stream.set_deadline(budget);
    co_await stream.read_line(100);
}

}  // namespace

TEST_CASE_METHOD(Pair, "lines tell their terminator and keep bare CRs", "[net]") {
    std::vector<Line> lines;
    scope.spawn(read_lines(*a, 10, lines));
    scope.spawn(
        send_and_close(*b, "one\r\ntwo\n\r\n\nbare\rcr\r\r\n0123456789\r\n0123456789a\r\nlost"));
    run();
    REQUIRE(lines.size() == 7);
    CHECK(lines[0].text == "one");
    CHECK(lines[0].end == Line::End::crlf);
    CHECK(lines[1].text == "two");
    CHECK(lines[1].end == Line::End::lf);
    CHECK((lines[2].text.empty() && lines[2].end == Line::End::crlf));
    CHECK((lines[3].text.empty() && lines[3].end == Line::End::lf));
    CHECK(lines[4].text == "bare\rcr\r");
    CHECK((lines[5].text == "0123456789" && !lines[5].too_long));
    CHECK((lines[6].text == "0123456789" && lines[6].too_long));
}

TEST_CASE_METHOD(Pair, "a line may come in any pieces", "[net]") {
    std::vector<Line> lines;
    std::string text(40000, 'x');
    scope.spawn(read_lines(*a, 50000, lines));
    scope.spawn(send_and_close(*b, text + "\r\n" + text + "\n"));
    run();
    REQUIRE(lines.size() == 2);
    CHECK((lines[0].text == text && lines[0].end == Line::End::crlf));
    CHECK((lines[1].text == text && lines[1].end == Line::End::lf));
}

TEST_CASE_METHOD(Pair, "a megabyte goes through while both sides run", "[net]") {
    std::string text(1 << 20, 'y');
    std::string bytes;
    scope.spawn(read_bytes(*a, bytes));
    scope.spawn(send_and_close(*b, text));
    run();
    CHECK(bytes == text);
}

TEST_CASE_METHOD(Pair, "a request has one deadline, however slowly its bytes drip in", "[net]") {
    std::string what;
    scope.spawn(drip(scope, *b, loop));
    scope.spawn(catch_it(read_one(*a, Seconds(30)), what));
    loop.run_until([&] { return !what.empty(); });
    CHECK(what == "timed out");
}

TEST_CASE_METHOD(Pair, "a cancelled scope wakes its readers", "[net]") {
    std::string what;
    scope.spawn(catch_it(read_one(*a, Seconds(30)), what));
    loop.run_until([this, done = 0]() mutable { return ++done > 1; });
    scope.cancel();
    run();
    CHECK(what == "cancelled");
}

TEST_CASE_METHOD(Pair, "a writer whose peer does not read times out", "[net]") {
    std::string what;
    a->set_deadline(Milliseconds(20));
    scope.spawn(catch_it(send(*a, std::string(10 << 20, 'z')), what));
    run();
    CHECK(what == "timed out");
}

TEST_CASE_METHOD(Pair, "closing wakes one's own reader", "[net]") {
    std::string what;
    scope.spawn(catch_it(read_one(*a, Seconds(30)), what));
    loop.run_until([this, done = 0]() mutable { return ++done > 1; });
    a->close();
    run();
    CHECK(what == "closed");
}

TEST_CASE_METHOD(Pair, "files of all sizes are sent", "[net]") {
    auto size = GENERATE(0U, 1U, 16384U, 16385U, 300000U);
    Fd file(::memfd_create("test", 0));
    std::string text;
    for (unsigned i = 0; text.size() < size + 3; ++i)
        text += std::to_string(i) + "\n";
    REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    std::string bytes;
    struct Both {
        static Task<void> put(Stream& stream, int fd, std::size_t count) {
            stream.put("before ");
            co_await stream.put_file(fd, 3, count);
            stream.put(" after");
            co_await stream.flush();
            stream.close();
        }
    };
    scope.spawn(Both::put(*b, file.get(), size));
    scope.spawn(read_bytes(*a, bytes));
    run();
    CHECK(bytes == "before " + text.substr(3, size) + " after");
}

TEST_CASE_METHOD(Pair, "buffered bytes can be taken and put back", "[net]") {
    struct Steps {
        static Task<void> go(Stream& stream, std::string& taken, std::string& rest) {
            co_await stream.read_line(10);
            taken = stream.take_buffered();
            stream.unread(taken);
            rest = co_await stream.read_exactly(5);
        }
    };
    std::string taken, rest;
    scope.spawn(send(*b, "a\r\nbcdef"));
    scope.spawn(Steps::go(*a, taken, rest));
    run();
    CHECK(taken == "bcdef");
    CHECK(rest == "bcdef");
}

namespace {

Task<void> connect_and_keep(Scope& scope, Address address, Result<Fd>& result) {
    result = co_await connect_to(scope, address, Loop::current().now() + Seconds(10));
}

}  // namespace

TEST_CASE("connections are accepted and refused", "[net]") {
    Loop loop;
    Scope scope;
    auto listener = listen_on(*Address::from_ip("127.0.0.1"));
    REQUIRE(listener);
    Address address = local_address(listener->get());
    Result<Fd> connected = temporary("nothing yet");
    Fd accepted;
    scope.spawn(connect_and_keep(scope, address, connected));
    scope.spawn(accept_loop(scope, listener->get(), [&](Fd fd) { accepted = std::move(fd); }));
    loop.run_until([&] { return accepted && connected; });
    CHECK(peer_address(connected->get()) == address);
    CHECK(peer_address(accepted.get()) == local_address(connected->get()));
    scope.cancel();
    loop.run_until([&] { return scope.running() == 0; });

    listener->reset();
    Scope again;
    Result<Fd> refused = Fd();
    again.spawn(connect_and_keep(again, address, refused));
    loop.run_until([&] { return again.running() == 0; });
    REQUIRE_FALSE(refused);
    CHECK(refused.error().is_temporary());
    CHECK(refused.error().text == "connect to " + address.text() + ": Connection refused");
}
