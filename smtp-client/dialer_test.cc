#include "smtp-client/dialer.h"

#include "lib/event/sleep.h"
#include "smtp-client/delivery_fixture_test.h"

using namespace facteur;
using namespace facteur::smtp_client;
using ipc::Outcome;

namespace {

/// A listener whose backlog is full: connections to it neither succeed nor fail.
class Deaf {
public:
    explicit Deaf(const std::string& ip) : listener_(*listen_on(*Address::from_ip(ip), 0)) {
        address = local_address(listener_.get());
        sockaddr_storage storage{};
        socklen_t size = address.fill(storage);
        for (int i = 0; i < 3; ++i) {
            int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
            bool four = address.family() == Address::Family::ipv4;
            Fd& fd = fillers_.emplace_back(::socket(four ? AF_INET : AF_INET6, kind, 0));
            (void)::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size);
        }
    }
    Address address;

private:
    Fd listener_;
    std::vector<Fd> fillers_;
};

struct Dialing : Client {
    std::vector<Target> left;
    std::vector<std::string> failures;
    std::string reached;

    void add(const Address& address, unsigned preference = 10) {
        Target target;
        target.name = "mx.test";
        target.address = address;
        target.preference = preference;
        left.push_back(target);
    }
    static Task<void> go(Dialing& self) {
        Dialer dialer(self.scope, self.reachability, self.dial);
        auto failed = [&self](const Target& target, const Error& error) {
            self.failures.push_back(target.address.ip() + error.text.substr(error.text.rfind(':')));
        };
        auto dialed = co_await dialer.connect(self.left, failed);
        self.reached = dialed ? dialed->target.address.ip() : "nobody";
        if (dialed) dialed->stream->close();
    }
    static Task<void> nap(Dialing& self, bool& done) {
        co_await Sleep(self.scope, Milliseconds(20));
        done = true;
    }
    /// Lets what can happen now happen.
    void pause() {
        bool done = false;
        scope.spawn(nap(*this, done));
        loop.run_until([&] { return done; });
    }
    void connect() {
        reached.clear();
        scope.spawn(go(*this));
    }
};

}  // namespace

TEST_CASE_METHOD(Dialing, "IPv4 is tried beside an IPv6 that does not answer [RFC 8305 5]",
                 "[smtp-client]") {
    Deaf six("::1");
    FakeServer four(scope);
    add(six.address);
    add(four.address);
    connect();
    pause();
    CHECK(reached.empty());
    loop.advance(Milliseconds(250));
    loop.run_until([this] { return !reached.empty(); });
    CHECK(reached == "127.0.0.1");
    CHECK(failures.empty());
    // What lost the race was not refused: it may be tried yet.
    REQUIRE(left.size() == 1);
    CHECK(left[0].address == six.address);
}

TEST_CASE_METHOD(Dialing, "a worse MX host is not raced", "[smtp-client]") {
    Deaf six("::1");
    FakeServer four(scope);
    add(six.address, 10);
    add(four.address, 20);
    connect();
    // Long after its head start, but before it has failed.
    pause();
    loop.advance(Seconds(20));
    pause();
    CHECK(reached.empty());
    CHECK(four.connections == 0);
    loop.advance(Seconds(30));
    loop.run_until([this] { return !reached.empty(); });
    CHECK(reached == "127.0.0.1");
    CHECK(failures == std::vector<std::string>{"::1: Connection timed out"});
    CHECK(reachability.is_bad(six.address));
}

TEST_CASE_METHOD(Dialing, "the next one follows at once when one refuses", "[smtp-client]") {
    FakeServer four(scope);
    add(*Address::from_ip("127.0.0.9", four.address.port()));
    add(four.address, 20);
    connect();
    loop.run_until([this] { return !reached.empty(); });
    CHECK(reached == "127.0.0.1");
    CHECK(failures == std::vector<std::string>{"127.0.0.9: Connection refused"});
    CHECK(left.empty());
}

TEST_CASE_METHOD(Dialing, "without anybody there is nobody", "[smtp-client]") {
    add(*Address::from_ip("127.0.0.9", 1));
    connect();
    loop.run_until([this] { return !reached.empty(); });
    CHECK(reached == "nobody");
    CHECK(left.empty());
}

TEST_CASE_METHOD(Dialing, "a source address that is not ours", "[smtp-client]") {
    FakeServer four(scope);
    add(four.address);
    dial.bind4 = *Address::from_ip("192.0.2.77");
    dial.bind_enforce = GENERATE(true, false);
    connect();
    loop.run_until([this] { return !reached.empty(); });
    CHECK(reached == (dial.bind_enforce ? "nobody" : "127.0.0.1"));
    if (dial.bind_enforce)
        CHECK(failures == std::vector<std::string>{"127.0.0.1: Cannot assign requested address"});
}

TEST_CASE_METHOD(Client, "mail leaves from the sender's address", "[smtp-client]") {
    FakeServer server(scope);
    configure("smtp_sender_bind_address_maps = hash:/x\n");
    lookups.table["from@here.test"] = "127.0.0.5 ::1";
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.peer.ip() == "127.0.0.5");
    // Another sender's mail does not leave over this connection.
    job.sender = "other@here.test";
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.connections == 2);
    CHECK(server.peer.ip() == "127.0.0.1");
    lookups.table["other@here.test"] = "nonsense";
    CHECK(run(hop(server)).status == "4.3.5");
}

TEST_CASE_METHOD(Client, "what IPv6 is refused for may pass over IPv4", "[smtp-client]") {
    FakeServer four(scope);
    FakeServer six(scope, "::1", four.address.port());
    resolver.a("a.test", "127.0.0.1");
    resolver.a("a.test", "::1");
    around->routing.preference = Routing::Preference::ipv6;
    const std::string port = ":" + std::to_string(four.address.port());
    SECTION("because of its name") {
        const auto* reply =
            GENERATE("550 5.7.25 no", "550 5.7.1 IPv6 sending guidelines: PTR records");
        const auto* command = GENERATE("MAIL", "RCPT");
        six.replies[command] = reply;
        CHECK(run("a.test" + port).outcome == Outcome::delivered);
        CHECK(four.contents.size() == 1);
        CHECK(reachability.is_bad(six.address));
    }
    SECTION("but not for what is wrong with the message") {
        six.replies["RCPT"] = "550 5.1.1 no such user";
        CHECK(run("a.test" + port).outcome == Outcome::failed);
        CHECK(four.connections == 0);
    }
    SECTION("unless that is not wanted") {
        configure("smtp_retry_over_ipv4 = no\n");
        around->routing.preference = Routing::Preference::ipv6;
        six.replies["RCPT"] = "550 5.7.25 no";
        CHECK(run("a.test" + port).outcome == Outcome::failed);
    }
    SECTION("and IPv4's word is the last") {
        six.replies["RCPT"] = "550 5.7.25 six";
        four.replies["RCPT"] = "550 5.7.25 four";
        auto result = run("a.test" + port);
        CHECK(result.outcome == Outcome::failed);
        CHECK(result.diagnostic == "smtp; 550 5.7.25 four");
    }
}

TEST_CASE_METHOD(Client, "domains with the same server share a connection", "[smtp-client]") {
    FakeServer server(scope);
    const std::string port = ":" + std::to_string(server.address.port());
    resolver.mx("a.test", 10, "mx.test");
    resolver.mx("b.test", 10, "mx.test");
    resolver.a("mx.test", "127.0.0.1");
    CHECK(run("a.test" + port).outcome == Outcome::delivered);
    CHECK(run("b.test" + port).outcome == Outcome::delivered);
    CHECK(server.connections == 1);
    configure(
        "smtp_connection_cache_on_demand = no\nsmtp_connection_cache_destinations = b.test\n");
    run("a.test" + port);
    CHECK(cache->size() == 0);
    run("b.test" + port);
    CHECK(cache->size() == 1);
}

TEST_CASE_METHOD(Client, "a backup MX host does not use its fallback relay", "[smtp-client]") {
    FakeServer relay(scope);
    bool backup = GENERATE(true, false);
    configure("smtp_fallback_relay = " + hop(relay) + "\n");
    resolver.mx("a.test", 10, "better.test");
    if (backup) resolver.mx("a.test", 20, "me.test");
    resolver.a("better.test", "127.0.0.9");
    resolver.a("me.test", "127.0.0.8");
    auto outcome = run("a.test").outcome;
    CHECK(outcome == (backup ? Outcome::deferred : Outcome::delivered));
}

namespace {

/// A SOCKS proxy that lets everybody in and connects where it likes.
Task<void> serve_proxy(Scope& scope, Fd fd, Address to, std::string& asked) {
    using namespace std::string_literals;
    Stream stream(scope, std::move(fd));
    try {
        asked += co_await stream.read_exactly(4);
        stream.put("\5\2"s);
        co_await stream.flush();
        asked += co_await stream.read_exactly(2 + 5 + 1 + 2);
        stream.put("\1\0"s);
        co_await stream.flush();
        asked += co_await stream.read_exactly(10);
        auto server = co_await connect_to(scope, to);
        stream.put(server ? "\5\0\0\1\0\0\0\0\0\0"s : "\5\5\0\1\0\0\0\0\0\0"s);
        co_await stream.flush();
        if (!server) co_return;
        Stream other(scope, *std::move(server));
        for (;;) {
            Line line = co_await other.read_line(1000);
            stream.put(line.text + "\r\n");
            co_await stream.flush();
            if (line.text.starts_with("250-")) continue;
            bool body = line.text.starts_with("354");
            do {
                Line command = co_await stream.read_line(1000);
                other.put(command.text + "\r\n");
                body = body && command.text != ".";
            } while (body);
            co_await other.flush();
        }
    } catch (const Disconnect&) {
    }
}

}  // namespace

TEST_CASE_METHOD(Client, "mail goes through a SOCKS proxy [RFC 1928]", "[smtp-client]") {
    using namespace std::string_literals;
    FakeServer server(scope);
    server.offers = {"8BITMIME"};
    Fd listener = *listen_on(*Address::from_ip("127.0.0.1"));
    Address proxy = local_address(listener.get());
    std::string asked;
    bool works = GENERATE(true, false);
    Address to = works ? server.address : *Address::from_ip("127.0.0.9", 1);
    scope.spawn(accept_loop(scope, listener.get(), [&](Fd fd) {
        scope.spawn(serve_proxy(scope, std::move(fd), to, asked));
    }));
    dial.proxy = proxy;
    configure("smtp_socks_proxy = " + proxy.text() + "\nsmtp_socks_password_maps = hash:/x\n");
    lookups.table[proxy.text()] = "hello:pw";
    auto result = run("[192.0.2.1]");
    CHECK(asked.starts_with("\5\2\0\2\1\5hello\2pw"s));
    CHECK(asked.ends_with("\5\1\0\1\xc0\0\2\1\0\x19"s));
    CHECK(result.outcome == (works ? Outcome::delivered : Outcome::deferred));
    if (!works) CHECK(result.text == "connect to 192.0.2.1[192.0.2.1]:25: Connection refused");
}
