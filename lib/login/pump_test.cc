#include "lib/login/pump.h"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/net/socket.h"

using namespace facteur;

namespace {

Task<void> run(Scope& connection, Stream& client, Stream& mailbox, bool& ended) {
    co_await login::pump(connection, client, mailbox);
    ended = true;
}

/// A client and a mailbox stage at the outer ends of a pump.
struct Pumped {
    Loop loop;
    Fd client, mailbox;
    bool ended = false;
    Scope connection;
    std::unique_ptr<Stream> client_stream, mailbox_stream;
    Scope tasks;

    Pumped() {
        auto left = socket_pair();
        auto right = socket_pair();
        client = std::move(left->first);
        mailbox = std::move(right->first);
        client_stream = std::make_unique<Stream>(connection, std::move(left->second));
        mailbox_stream = std::make_unique<Stream>(connection, std::move(right->second));
        tasks.spawn(run(connection, *client_stream, *mailbox_stream, ended));
    }
    static void say(const Fd& to, const std::string& text) {
        REQUIRE(::write(to.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    /// So many bytes, or what there is until the other side closes.
    std::string hear(const Fd& from, std::size_t size) {
        std::string heard;
        bool closed = false;
        loop.run_until([&] {
            char block[4096];
            ssize_t count = ::read(from.get(), block, sizeof block);
            if (count > 0) heard.append(block, static_cast<std::size_t>(count));
            closed = count == 0;
            return closed || heard.size() >= size;
        });
        return heard;
    }
};

}  // namespace

TEST_CASE("the pump carries bytes both ways", "[login]") {
    Pumped pumped;
    Pumped::say(pumped.client, "question");
    CHECK(pumped.hear(pumped.mailbox, 8) == "question");
    Pumped::say(pumped.mailbox, "answer");
    CHECK(pumped.hear(pumped.client, 6) == "answer");
    pumped.client.reset();
    CHECK(pumped.hear(pumped.mailbox, 1).empty());
    pumped.mailbox.reset();
    pumped.loop.run_until([&] { return pumped.ended; });
}

TEST_CASE("a client that says no more still hears its answers", "[login]") {
    Pumped pumped;
    Pumped::say(pumped.client, "last question");
    REQUIRE(::shutdown(pumped.client.get(), SHUT_WR) == 0);
    CHECK(pumped.hear(pumped.mailbox, 100) == "last question");
    CHECK_FALSE(pumped.ended);
    Pumped::say(pumped.mailbox, "late answer");
    CHECK(pumped.hear(pumped.client, 11) == "late answer");
    pumped.mailbox.reset();
    CHECK(pumped.hear(pumped.client, 1).empty());
    pumped.loop.run_until([&] { return pumped.ended; });
}

TEST_CASE("the last words of the mailbox stage arrive before the end", "[login]") {
    Pumped pumped;
    Pumped::say(pumped.mailbox, "* BYE");
    pumped.mailbox.reset();
    CHECK(pumped.hear(pumped.client, 100) == "* BYE");
    // The client may still be saying something: no reset before it ends, or had its time.
    Pumped::say(pumped.client, "late");
    CHECK_FALSE(pumped.ended);
    if (GENERATE(true, false))
        pumped.client.reset();
    else
        pumped.loop.advance(Seconds(6));
    pumped.loop.run_until([&] { return pumped.ended; });
}
