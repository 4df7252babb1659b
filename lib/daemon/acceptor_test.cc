#include "lib/daemon/acceptor.h"

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/daemon/settings.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/readiness.h"

using namespace facteur;
using namespace facteur::daemon;

namespace {

class FakeProcess : public Process {
public:
    const std::string& service() const override { return name; }
    unsigned slot() const override { return 0; }
    const Settings& settings() const override { return settings_; }
    Scope& scope() override { return scope_; }
    Scope& sessions() override { return sessions_; }
    WorkerPool& workers() override { return workers_; }
    bool draining() const override { return false; }
    void fail(std::string) override {}
    std::string name = "test";

private:
    Settings settings_;
    Scope scope_;
    Scope sessions_;
    WorkerPool workers_{1};
};

/// Holds each connection until its peer closes it.
class Holder : public Service {
public:
    using Service::Service;
    Limits limits() const override { return wanted; }
    std::string refusal(const std::string& client) override { return "421 " + client + "\r\n"; }
    bool is_exempt(const std::string& client) const override { return client == exempt; }
    Task<void> connection(Fd socket, const Listener&) override {
        ++open;
        Readiness readiness(socket.get());
        char byte = 0;
        try {
            while (::read(socket.get(), &byte, 1) != 0) {
                readiness.would_block(Readiness::read);
                co_await readiness.wait(Readiness::read, process().sessions());
            }
        } catch (const Disconnect&) {
        }
        --open;
    }
    Limits wanted;
    std::string exempt;
    int open = 0;
};

Fd listening(sockaddr_in& address) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(fd.get(), 64) == 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return fd;
}

struct Fixture {
    Fixture() {
        listeners.emplace_back();
        listeners[0].is_inet = true;
        listeners[0].fd = listening(address);
    }
    Fd connect() {
        Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
        REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        return fd;
    }
    void until(const std::function<bool()>& done) { loop.run_until(done); }
    void finish() {
        bool ended = false;
        auto last = [](Acceptor& one, Scope& sessions, bool& done) -> Task<void> {
            co_await one.stop();
            sessions.cancel();
            co_await sessions.join();
            done = true;
        };
        process.scope().spawn(last(acceptor, process.sessions(), ended));
        until([&] { return ended; });
    }
    sockaddr_in address{};
    Loop loop;
    FakeProcess process;
    Holder service{process};
    std::vector<Listener> listeners;
    Acceptor acceptor{service, process.sessions(), listeners};
};

std::string read_text(const Fd& fd) {
    char text[64];
    ssize_t got = ::read(fd.get(), text, sizeof text);
    return std::string(text, got > 0 ? static_cast<std::size_t>(got) : 0);
}

}  // namespace

TEST_CASE_METHOD(Fixture, "at the process limit connections wait in the backlog", "[daemon]") {
    service.wanted.connections = 2;
    acceptor.start();
    Fd first = connect();
    Fd second = connect();
    Fd third = connect();
    until([&] { return service.open == 2; });
    loop.advance(Milliseconds(5000));
    CHECK(acceptor.accepted() == 2);
    first.reset();
    until([&] { return acceptor.accepted() == 3; });
    until([&] { return service.open == 2; });
    CHECK(acceptor.connections() == 2);
    finish();
    CHECK(acceptor.connections() == 0);
}

TEST_CASE_METHOD(Fixture, "a client over its limit hears why and is let go", "[daemon]") {
    service.wanted.per_client = 1;
    acceptor.start();
    Fd first = connect();
    until([&] { return service.open == 1; });
    Fd second = connect();
    Fd third = connect();
    service.exempt = "127.0.0.1";
    until([&] { return service.open == 3; });
    service.exempt.clear();
    first.reset();
    second.reset();
    third.reset();
    until([&] { return service.open == 0; });
    first = connect();
    until([&] { return service.open == 1; });
    Fd refused = connect();
    bool heard = false;
    until([&] {
        char byte = 0;
        heard = ::recv(refused.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
        return heard;
    });
    CHECK(read_text(refused) == "421 127.0.0.1\r\n");
    CHECK(read_text(refused).empty());
    finish();
}

TEST_CASE_METHOD(Fixture, "without descriptors accepting rests and then goes on", "[daemon]") {
    acceptor.start();
    Fd first = connect();
    until([&] { return service.open == 1; });
    Fd second = connect();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 3;
    ::setrlimit(RLIMIT_NOFILE, &none);
    int turns = 0;
    until([&] { return ++turns > 1; });
    CHECK(acceptor.accepted() == 1);
    ::setrlimit(RLIMIT_NOFILE, &before);
    loop.advance(Milliseconds(1100));
    until([&] { return service.open == 2; });
    finish();
}

TEST_CASE("a client is an IPv4 address or an IPv6 /64", "[daemon]") {
    sockaddr_in6 one{};
    one.sin6_family = AF_INET6;
    one.sin6_addr.s6_addr[0] = 0x20;
    sockaddr_in6 other = one;
    other.sin6_addr.s6_addr[15] = 1;
    const auto& a = reinterpret_cast<const sockaddr&>(one);
    const auto& b = reinterpret_cast<const sockaddr&>(other);
    CHECK(PeerCount::key(a) == PeerCount::key(b));
    other.sin6_addr.s6_addr[7] = 1;
    CHECK(PeerCount::key(a) != PeerCount::key(b));
    CHECK(address_text(a) == "2000::");
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    CHECK(PeerCount::key(reinterpret_cast<const sockaddr&>(local)).empty());
    PeerCount count;
    CHECK(count.add("x") == 1);
    CHECK(count.add("x") == 2);
    count.remove("x");
    count.remove("x");
    CHECK(count.clients() == 0);
}
