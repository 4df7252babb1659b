#include <map>

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/readiness.h"
#include "lib/event/scope.h"
#include "lib/net/dns/cache.h"
#include "lib/net/dns/message.h"
#include "lib/net/dns/resolver.h"
#include "lib/net/socket.h"

using namespace facteur;
using namespace facteur::dns;
using Status = Answer::Status;

namespace {

std::string number(unsigned value, int bytes) {
    std::string text;
    while (bytes-- > 0)
        text += static_cast<char>(value >> (8 * bytes));
    return text;
}

std::string wire_name(std::string_view name) {
    std::string wire;
    for (std::string_view label : words(name, "."))
        wire += static_cast<char>(label.size()) + std::string(label);
    return wire + '\0';
}

std::string record(std::string_view owner, Type type, unsigned ttl, const std::string& data) {
    return wire_name(owner) + number(static_cast<unsigned>(type), 2) + number(1, 2) +
           number(ttl, 4) + number(static_cast<unsigned>(data.size()), 2) + data;
}

std::string mx(unsigned preference, std::string_view name) {
    return number(preference, 2) + wire_name(name);
}

std::string soa(unsigned minimum) {
    return wire_name("ns.test") + wire_name("root.test") + std::string(16, '\1') +
           number(minimum, 4);
}

struct Reply {
    unsigned code = 0;
    std::vector<std::string> answer, authority;
    unsigned flags = 0x8180;
};

std::string wire_reply(const std::string& id, std::string_view question, const Reply& reply) {
    std::string wire = id + number(reply.flags | reply.code, 2) + number(1, 2) +
                       number(static_cast<unsigned>(reply.answer.size()), 2) +
                       number(static_cast<unsigned>(reply.authority.size()), 2) + number(0, 2);
    wire += question;
    for (const auto& one : reply.answer)
        wire += one;
    for (const auto& one : reply.authority)
        wire += one;
    return wire;
}

std::string question(std::string_view name, Type type) {
    return wire_name(name) + number(static_cast<unsigned>(type), 2) + number(1, 2);
}

std::string message(std::string_view name, Type type, const Reply& reply) {
    return wire_reply("id", question(name, type), reply);
}

}  // namespace

TEST_CASE("an SRV record has all its numbers [RFC 2782]", "[net]") {
    Reply reply;
    auto srv = [](unsigned priority, unsigned weight, unsigned port, std::string_view name) {
        return number(priority, 2) + number(weight, 2) + number(port, 2) + wire_name(name);
    };
    const char* name = "_submission._tcp.a.test";
    reply.answer.push_back(record(name, Type::srv, 300, srv(1, 2, 587, "Mx.test")));
    reply.answer.push_back(record(name, Type::srv, 300, srv(0, 0, 0, "")));
    std::string whole = message(name, Type::srv, reply);
    auto answer = parse_reply(whole, name, Type::srv);
    REQUIRE(answer);
    REQUIRE(answer->records.size() == 2);
    CHECK(answer->records[0].preference == 1);
    CHECK(answer->records[0].weight == 2);
    CHECK(answer->records[0].port == 587);
    CHECK(answer->records[0].data == "mx.test");
    CHECK(answer->records[1].data.empty());
    for (std::size_t n = 0; n < whole.size(); ++n)
        CHECK_FALSE(parse_reply(whole.substr(0, n), name, Type::srv));
}

TEST_CASE("records of all types are read", "[dns]") {
    Reply reply;
    reply.answer.push_back(record("Mx.Test", Type::mx, 300, mx(10, "A.test")));
    reply.answer.push_back(record("mx.test", Type::mx, 200, mx(0, "")));
    auto answer = parse_reply(message("mx.test", Type::mx, reply), "MX.test", Type::mx);
    REQUIRE(answer);
    CHECK(answer->status == Status::found);
    CHECK(answer->ttl == 200);
    REQUIRE(answer->records.size() == 2);
    CHECK((answer->records[0].preference == 10 && answer->records[0].data == "a.test"));
    CHECK((answer->records[1].preference == 0 && answer->records[1].data.empty()));

    Reply text;
    text.answer.push_back(record("t.test", Type::txt, 5, std::string("\3v=s\4pf1 ")));
    answer = parse_reply(message("t.test", Type::txt, text), "t.test", Type::txt);
    REQUIRE(answer);
    CHECK(answer->records.at(0).data == "v=spf1 ");

    Reply tlsa;
    tlsa.flags |= 0x20;
    tlsa.answer.push_back(record("_25._tcp.t.test", Type::tlsa, 5, std::string("\3\1\1abc")));
    answer =
        parse_reply(message("_25._tcp.t.test", Type::tlsa, tlsa), "_25._tcp.t.test", Type::tlsa);
    REQUIRE(answer);
    CHECK(answer->records.at(0).data == "\3\1\1abc");
    CHECK(answer->authentic);
}

TEST_CASE("the three kinds of no [RFC 2308 2]", "[dns]") {
    auto [code, with_soa, status, ttl] = GENERATE(table<unsigned, bool, Status, unsigned>({
        {3, true, Status::no_name, 60},
        {0, true, Status::no_data, 60},
        {0, false, Status::no_data, 0},
        {3, false, Status::no_name, 0},
    }));
    Reply reply;
    reply.code = code;
    if (with_soa) reply.authority.push_back(record("test", Type::soa, 300, soa(60)));
    auto answer = parse_reply(message("x.test", Type::a, reply), "x.test", Type::a);
    REQUIRE(answer);
    CHECK(answer->status == status);
    CHECK(answer->ttl == ttl);
    CHECK(not_found(*answer, "x.test", Type::a).status == "5.4.4");
}

TEST_CASE("a name server's failure is temporary", "[dns]") {
    Reply reply;
    reply.code = GENERATE(1U, 2U, 4U, 5U);
    auto answer = parse_reply(message("x.test", Type::a, reply), "x.test", Type::a);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().is_temporary());
    CHECK(answer.error().status == "4.4.3");
}

TEST_CASE("CNAMEs are followed, circles are not", "[dns]") {
    Reply reply;
    reply.answer.push_back(record("a.test", Type::cname, 50, wire_name("b.test")));
    reply.answer.push_back(record("b.test", Type::cname, 70, wire_name("c.test")));
    auto dangling = parse_reply(message("a.test", Type::a, reply), "a.test", Type::a);
    REQUIRE(dangling);
    CHECK((dangling->dangling && dangling->canonical == "c.test"));
    reply.answer.push_back(record("c.test", Type::a, 90, "\1\2\3\4"));
    reply.answer.push_back(record("d.test", Type::a, 90, "\6\6\6\6"));
    auto answer = parse_reply(message("a.test", Type::a, reply), "a.test", Type::a);
    REQUIRE(answer);
    CHECK((answer->found() && answer->canonical == "c.test" && answer->ttl == 50));
    CHECK(answer->records.size() == 1);
    reply.answer[1] = record("b.test", Type::cname, 70, wire_name("a.test"));
    CHECK_FALSE(parse_reply(message("a.test", Type::a, reply), "a.test", Type::a));
}

TEST_CASE("every truncation of a reply is an error or a reply, never a crash", "[dns]") {
    Reply reply;
    reply.answer.push_back(record("mx.test", Type::mx, 300, mx(10, "a.test")));
    std::string whole = message("mx.test", Type::mx, reply);
    for (std::size_t n = 0; n < whole.size(); ++n)
        CHECK_FALSE(parse_reply(whole.substr(0, n), "mx.test", Type::mx));
}

TEST_CASE("the cache forgets what is old and what is least used", "[dns]") {
    Cache cache(2);
    TimePoint now{};
    Answer answer;
    cache.add("a", answer, now + Seconds(10));
    cache.add("b", answer, now + Seconds(10));
    CHECK(cache.find("a", now) != nullptr);
    cache.add("c", answer, now + Seconds(10));
    CHECK(cache.find("b", now) == nullptr);
    CHECK(cache.find("a", now + Seconds(10)) == nullptr);
    CHECK(cache.size() == 1);
}

namespace {

/// A name server on loopback, on the same loop.
struct Server {
    Loop loop;
    Scope scope;
    Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
    std::map<std::string, Reply> zone;  ///< by wire question, lower case
    int asked = 0;
    std::unique_ptr<Resolver> resolver;

    Server() {
        sockaddr_storage storage{};
        socklen_t size = Address::from_ip("127.0.0.1")->fill(storage);
        ::bind(socket.get(), reinterpret_cast<sockaddr*>(&storage), size);
        Options options;
        options.servers.push_back(local_address(socket.get()).text());
        options.timeout = Milliseconds(200);
        options.tries = 1;
        resolver = *make_resolver(options);
        scope.spawn(serve());
    }
    ~Server() {
        scope.cancel();
        loop.run_until([this] { return scope.running() == 0; });
    }
    Task<void> serve() {
        Readiness readiness(socket.get());
        for (;;) {
            char buffer[2000];
            sockaddr_storage from{};
            socklen_t size = sizeof from;
            auto* address = reinterpret_cast<sockaddr*>(&from);
            ssize_t got = ::recvfrom(socket.get(), buffer, sizeof buffer, 0, address, &size);
            if (got < 0) {
                readiness.would_block(Readiness::read);
                co_await readiness.wait(Readiness::read, scope);
                continue;
            }
            std::string_view packet(buffer, static_cast<std::size_t>(got));
            std::size_t end = packet.find('\0', 12) + 5;
            std::string asks(packet.substr(12, end - 12));
            ++asked;
            auto known = zone.find(to_lower(asks));
            if (known == zone.end()) continue;  // silence
            std::string reply = wire_reply(std::string(packet.substr(0, 2)), asks, known->second);
            ::sendto(socket.get(), reply.data(), reply.size(), 0, address, size);
        }
    }
    Reply& at(std::string_view name, Type type) { return zone[question(name, type)]; }

    static Task<void> ask(Server& self, std::string name, Type type, Result<Answer>& into) {
        into = co_await self.resolver->query(self.scope, name, type);
    }
    Result<Answer> query(const std::string& name, Type type) {
        Result<Answer> answer = permanent("none");
        scope.spawn(ask(*this, name, type, answer));
        loop.run_until([&] { return scope.running() == 1; });
        return answer;
    }
    static Task<void> name_of(Server& self, Address address, ClientName& into) {
        into = co_await client_name(*self.resolver, self.scope, address);
    }
};

}  // namespace

TEST_CASE_METHOD(Server, "a question is asked once and remembered for its TTL", "[dns]") {
    at("mx.test", Type::mx).answer.push_back(record("mx.test", Type::mx, 60, mx(1, "a.test")));
    Result<Answer> one = permanent(""), two = permanent("");
    scope.spawn(ask(*this, "mx.test.", Type::mx, one));
    scope.spawn(ask(*this, "MX.test", Type::mx, two));
    loop.run_until([&] { return scope.running() == 1; });
    REQUIRE(one);
    REQUIRE(two);
    CHECK(one->records.at(0).data == "a.test");
    CHECK(asked == 1);
    loop.advance(Seconds(59));
    CHECK(query("mx.test", Type::mx));
    CHECK(asked == 1);
    loop.advance(Seconds(2));
    CHECK(query("mx.test", Type::mx));
    CHECK(asked == 2);
}

TEST_CASE_METHOD(Server, "a no is remembered, a failure is not", "[dns]") {
    Reply& no = at("no.test", Type::a);
    no.code = 3;
    no.authority.push_back(record("test", Type::soa, 300, soa(60)));
    at("fail.test", Type::a).code = 2;
    CHECK(query("no.test", Type::a)->status == Status::no_name);
    CHECK(query("no.test", Type::a)->status == Status::no_name);
    CHECK(asked == 1);
    CHECK(query("fail.test", Type::a).error().is_temporary());
    int before = asked;
    CHECK(query("fail.test", Type::a).error().is_temporary());
    CHECK(asked > before);
}

TEST_CASE_METHOD(Server, "a silent name server is a temporary error", "[dns]") {
    auto answer = query("silent.test", Type::mx);
    REQUIRE_FALSE(answer);
    CHECK(answer.error() == try_again("silent.test", Type::mx));
}

TEST_CASE_METHOD(Server, "a CNAME into another zone is followed", "[dns]") {
    at("a.test", Type::a).answer.push_back(record("a.test", Type::cname, 60, wire_name("b.test")));
    at("b.test", Type::a).answer.push_back(record("b.test", Type::a, 30, "\1\2\3\4"));
    auto answer = query("a.test", Type::a);
    REQUIRE(answer);
    CHECK((answer->canonical == "b.test" && answer->ttl == 30 && answer->records.size() == 1));
}

TEST_CASE_METHOD(Server, "what cannot be a name is asked of nobody", "[dns]") {
    std::string name = GENERATE(as<std::string>(), "", ".", "a..b", std::string(64, 'x') + ".test");
    auto answer = query(name, Type::a);
    REQUIRE_FALSE(answer);
    CHECK_FALSE(answer.error().is_temporary());
    CHECK(asked == 0);
}

TEST_CASE_METHOD(Server, "international names are asked for in ASCII", "[dns]") {
    at("xn--bcher-kva.test", Type::a)
        .answer.push_back(record("xn--bcher-kva.test", Type::a, 30, "\1\2\3\4"));
    CHECK(
        query("b\xc3\xbc"
              "cher.test",
              Type::a));
}

TEST_CASE_METHOD(Server, "a client's name must resolve back", "[dns]") {
    at("4.3.2.1.in-addr.arpa", Type::ptr)
        .answer.push_back(record("4.3.2.1.in-addr.arpa", Type::ptr, 9, wire_name("good.test")));
    at("good.test", Type::a).answer.push_back(record("good.test", Type::a, 9, "\1\2\3\4"));
    at("5.3.2.1.in-addr.arpa", Type::ptr)
        .answer.push_back(record("5.3.2.1.in-addr.arpa", Type::ptr, 9, wire_name("good.test")));
    at("6.3.2.1.in-addr.arpa", Type::ptr).code = 3;
    using S = ClientName::Status;
    auto [ip, name, reverse, status] = GENERATE(table<std::string, std::string, std::string, S>({
        {"1.2.3.4", "good.test", "good.test", S::verified},
        {"1.2.3.5", "unknown", "good.test", S::forged},
        {"1.2.3.6", "unknown", "unknown", S::none},
        {"1.2.3.7", "unknown", "unknown", S::failed},
        {"127.0.0.1", "localhost", "localhost", S::verified},
    }));
    ClientName got;
    scope.spawn(name_of(*this, *Address::from_ip(ip), got));
    loop.run_until([&] { return scope.running() == 1; });
    INFO(ip);
    CHECK(got.name == name);
    CHECK(got.reverse == reverse);
    CHECK(got.status == status);
}
