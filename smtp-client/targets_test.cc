#include "smtp-client/targets.h"

#include <set>

#include <catch2/catch.hpp>

#include "lib/event/loop.h"
#include "smtp-client/fake_server_test.h"

using namespace facteur;
using namespace facteur::smtp_client;

namespace {

struct Names {
    Loop loop;
    Scope scope;
    FakeResolver resolver;
    Routing routing;

    Names() {
        routing.resolver = &resolver;
        routing.myhostname = "me.test";
    }
    static Task<void> search(Names& self, Nexthop nexthop, Result<Servers>& into) {
        into = co_await find_targets(self.routing, self.scope, nexthop);
    }
    Result<Servers> find(std::string_view nexthop) {
        Result<Servers> found = permanent("nothing");
        scope.spawn(search(*this, *Nexthop::parse(nexthop, Protocol::smtp, 25), found));
        loop.run_until([this] { return scope.running() == 0; });
        return found;
    }
    std::string text(std::string_view nexthop) {
        auto found = find(nexthop);
        if (!found)
            return (found.error().is_temporary() ? "temporary " : "permanent ") +
                   found.error().status + " " + found.error().text;
        std::string all;
        for (const Target& target : found->targets)
            all += (all.empty() ? "" : " ") + target.relay();
        return all;
    }
};

}  // namespace

TEST_CASE("next hops are read as transport(5) writes them", "[smtp-client]") {
    auto [text, host, port, mx] = GENERATE(table<std::string, std::string, int, bool>({
        {"example.test", "example.test", 25, true},
        {"example.test:587", "example.test", 587, true},
        {"[mx.test]", "mx.test", 25, false},
        {"[mx.test]:submission", "mx.test", 587, false},
        {"[192.0.2.1]:2525", "192.0.2.1", 2525, false},
        {"[2001:db8::1]:25", "2001:db8::1", 25, false},
        {"[ipv6:2001:db8::1]", "2001:db8::1", 25, false},
    }));
    INFO(text);
    auto nexthop = Nexthop::parse(text, Protocol::smtp, 25);
    REQUIRE(nexthop);
    CHECK(nexthop->host == host);
    CHECK(nexthop->port == port);
    CHECK(nexthop->use_mx == mx);
}

TEST_CASE("LMTP next hops may be sockets and have no MX", "[smtp-client]") {
    auto unix_hop = Nexthop::parse("unix:private/lmtp", Protocol::lmtp, 24);
    REQUIRE(unix_hop);
    CHECK(unix_hop->socket_path == "private/lmtp");
    auto inet = Nexthop::parse("inet:host.test:2424", Protocol::lmtp, 24);
    REQUIRE(inet);
    CHECK((inet->host == "host.test" && inet->port == 2424 && !inet->use_mx));
}

TEST_CASE("a wrong next hop is temporary: the mail waits for the administrator", "[smtp-client]") {
    auto text = GENERATE("", "[", "[]", "[a", "[a]x", "a:", "a:0", "a:65536", "a:nowhere", "unix:");
    INFO(text);
    auto nexthop = Nexthop::parse(text, Protocol::smtp, 25);
    REQUIRE_FALSE(nexthop);
    CHECK(nexthop.error().is_temporary());
}

TEST_CASE_METHOD(Names, "MX hosts come by preference [RFC 5321 5.1]", "[smtp-client]") {
    resolver.mx("x.test", 20, "b.test");
    resolver.mx("x.test", 10, "a.test");
    resolver.a("a.test", "192.0.2.1");
    resolver.a("b.test", "192.0.2.2");
    CHECK(text("x.test") == "a.test[192.0.2.1]:25 b.test[192.0.2.2]:25");
    CHECK(text("x.test:26") == "a.test[192.0.2.1]:26 b.test[192.0.2.2]:26");
}

TEST_CASE_METHOD(Names, "equally good MX hosts come in random order", "[smtp-client]") {
    for (int i = 0; i < 4; ++i) {
        std::string name = std::string(1, static_cast<char>('a' + i)) + ".test";
        resolver.mx("x.test", 10, name);
        resolver.a(name, "192.0.2." + std::to_string(i + 1));
    }
    std::set<std::string> orders;
    for (int i = 0; i < 50; ++i)
        orders.insert(text("x.test"));
    CHECK(orders.size() > 5);
}

TEST_CASE_METHOD(Names, "a domain without MX is its own [RFC 5321 5.1]", "[smtp-client]") {
    resolver.a("x.test", "192.0.2.1");
    resolver.a("x.test", "2001:db8::1");
    routing.preference = Routing::Preference::ipv4;
    CHECK(text("x.test") == "x.test[192.0.2.1]:25 x.test[2001:db8::1]:25");
    routing.preference = Routing::Preference::ipv6;
    CHECK(text("x.test") == "x.test[2001:db8::1]:25 x.test[192.0.2.1]:25");
    routing.ipv6 = false;
    CHECK(text("x.test") == "x.test[192.0.2.1]:25");
}

TEST_CASE_METHOD(Names, "the name service's no is final, its failure is not", "[smtp-client]") {
    CHECK(
        text("no.test").starts_with("permanent 5.4.4 Host or domain name not found. Name service "
                                    "error for name=no.test type="));
    resolver.fail(dns::Type::mx, "fail.test");
    resolver.a("fail.test", "192.0.2.1");
    CHECK(text("fail.test").starts_with("temporary 4.4.3"));
    resolver.mx("half.test", 10, "gone.test");
    resolver.mx("half.test", 10, "fail2.test");
    resolver.fail(dns::Type::a, "fail2.test");
    CHECK(text("half.test").starts_with("temporary 4.4.3"));
    resolver.mx("dead.test", 10, "gone.test");
    CHECK(text("dead.test").starts_with("permanent 5.4.4"));
}

TEST_CASE_METHOD(Names, "a null MX takes no mail [RFC 7505 3]", "[smtp-client]") {
    resolver.mx("null.test", 0, "");
    resolver.a("null.test", "192.0.2.1");
    CHECK(text("null.test") == "permanent 5.1.10 Domain null.test does not accept mail (nullMX)");
}

TEST_CASE_METHOD(Names, "mail that would loop is returned [RFC 5321 5.1]", "[smtp-client]") {
    resolver.a("me.test", "192.0.2.9");
    resolver.a("a.test", "192.0.2.1");
    resolver.a("b.test", "192.0.2.2");
    resolver.mx("backup.test", 10, "a.test");
    resolver.mx("backup.test", 20, "me.test");
    resolver.mx("backup.test", 20, "b.test");
    CHECK(text("backup.test") == "a.test[192.0.2.1]:25");
    resolver.mx("best.test", 10, "me.test");
    resolver.mx("best.test", 20, "a.test");
    CHECK(text("best.test") == "permanent 5.4.6 mail for best.test loops back to myself");
    routing.own_addresses.push_back(*Address::from_ip("192.0.2.1"));
    CHECK(text("backup.test") == "permanent 5.4.6 mail for backup.test loops back to myself");
    CHECK(text("backup.test:2525").starts_with("a.test[192.0.2.1]:2525"));
}

TEST_CASE_METHOD(Names, "brackets mean no MX", "[smtp-client]") {
    resolver.mx("x.test", 10, "a.test");
    resolver.a("x.test", "192.0.2.1");
    CHECK(text("[x.test]") == "x.test[192.0.2.1]:25");
    CHECK(text("[192.0.2.7]:2525") == "192.0.2.7[192.0.2.7]:2525");
    CHECK(text("unix:private/lmtp") == "me.test[private/lmtp]");
}

TEST_CASE_METHOD(Names, "SRV records lead to the service [RFC 2782]", "[smtp-client]") {
    routing.srv_services = {"submission"};
    resolver.mx("a.test", 10, "mx.a.test");
    resolver.a("mx.a.test", "192.0.2.9");
    const std::string name = "_submission._tcp.a.test";
    SECTION("by priority, on their own ports") {
        resolver.srv(name, 20, 0, 2525, "two.test");
        resolver.srv(name, 10, 0, 587, "one.test");
        resolver.a("one.test", "192.0.2.1");
        resolver.a("two.test", "192.0.2.2");
        CHECK(text("a.test:submission") == "one.test[192.0.2.1]:587 two.test[192.0.2.2]:2525");
        // Another service, and brackets, do without.
        CHECK(text("a.test:587") == "mx.a.test[192.0.2.9]:587");
        CHECK(text("[one.test]:submission") == "one.test[192.0.2.1]:587");
    }
    SECTION("no such service") {
        resolver.srv(name, 0, 0, 0, "");
        CHECK(text("a.test:submission").starts_with("permanent 5.4.4 "));
    }
    SECTION("no SRV record") {
        CHECK(text("a.test:submission").starts_with("permanent 5.4.4 "));
        routing.srv_fallback = true;
        CHECK(text("a.test:submission") == "mx.a.test[192.0.2.9]:587");
    }
    SECTION("the name service fails") {
        resolver.fail(dns::Type::srv, name);
        routing.srv_fallback = true;
        CHECK(text("a.test:submission").starts_with("temporary 4.4.3 "));
        routing.ignore_srv_error = true;
        CHECK(text("a.test:submission") == "mx.a.test[192.0.2.9]:587");
    }
}

TEST_CASE_METHOD(Names, "SRV weights decide how often a server is the first [RFC 2782]",
                 "[smtp-client]") {
    routing.srv_services = {"submission"};
    resolver.srv("_submission._tcp.a.test", 0, 90, 587, "often.test");
    resolver.srv("_submission._tcp.a.test", 0, 10, 587, "rarely.test");
    resolver.a("often.test", "192.0.2.1");
    resolver.a("rarely.test", "192.0.2.2");
    int often = 0;
    for (int i = 0; i < 200; ++i)
        often += text("a.test:submission").starts_with("often") ? 1 : 0;
    CHECK(often > 140);
    CHECK(often < 200);
}

TEST_CASE_METHOD(Names, "addresses that did not answer come last among equals", "[smtp-client]") {
    Reachability reachability(10, Seconds(60));
    routing.reachability = &reachability;
    routing.randomize = false;
    resolver.mx("a.test", 10, "one.test");
    resolver.mx("a.test", 10, "two.test");
    resolver.mx("a.test", 20, "three.test");
    resolver.a("one.test", "192.0.2.1");
    resolver.a("two.test", "192.0.2.2");
    resolver.a("three.test", "192.0.2.3");
    const std::string usual =
        "one.test[192.0.2.1]:25 two.test[192.0.2.2]:25 three.test[192.0.2.3]:25";
    CHECK(text("a.test") == usual);
    reachability.failed(*Address::from_ip("192.0.2.1"));
    CHECK(text("a.test") ==
          "two.test[192.0.2.2]:25 one.test[192.0.2.1]:25 three.test[192.0.2.3]:25");
    SECTION("until time has passed") {
        loop.advance(Seconds(60));
    }
    SECTION("until it answers") {
        reachability.answered(*Address::from_ip("192.0.2.1", 25));
    }
    CHECK(text("a.test") == usual);
}

TEST_CASE("addresses that did not answer are not remembered without limit", "[smtp-client]") {
    Loop loop;
    Reachability reachability(10, Seconds(60));
    for (int i = 0; i < 100; ++i)
        reachability.failed(*Address::from_ip("192.0.2." + std::to_string(i)));
    CHECK(reachability.size() <= 10);
    CHECK(reachability.is_bad(*Address::from_ip("192.0.2.99")));
}

TEST_CASE("a limit leaves addresses of both families", "[smtp-client]") {
    auto [families, limit, balance, left] =
        GENERATE(table<std::string, std::size_t, bool, std::string>({
            {"666644", 4, true, "6644"},
            {"666644", 4, false, "6666"},
            {"666644", 1, true, "6"},
            {"666644", 0, true, "666644"},
            {"666664", 4, true, "6664"},
            {"464646", 4, true, "4646"},
            {"444444", 4, true, "4444"},
            {"46", 4, true, "46"},
        }));
    std::vector<Target> targets;
    for (char family : families) {
        Target target;
        target.address = *Address::from_ip(family == '4' ? "192.0.2.1" : "2001:db8::1");
        targets.push_back(target);
    }
    truncate(targets, limit, balance);
    std::string text;
    for (const Target& target : targets)
        text += target.address.family() == Address::Family::ipv4 ? '4' : '6';
    INFO(families << " " << limit);
    CHECK(text == left);
}

TEST_CASE_METHOD(Names, "we know when we are a backup MX host", "[smtp-client]") {
    resolver.mx("a.test", 10, "better.test");
    resolver.mx("a.test", 20, "me.test");
    resolver.a("better.test", "192.0.2.1");
    resolver.a("me.test", "192.0.2.2");
    auto found = find("a.test");
    REQUIRE(found);
    CHECK(found->self_is_mx);
    CHECK(found->targets.size() == 1);
}
