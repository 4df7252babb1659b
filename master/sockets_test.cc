#include "master/sockets.h"

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "lib/config/load.h"
#include "master/supervisor.h"
#include "master/worker.h"

using namespace facteur;
using namespace facteur::master;
using conf::ServiceLine;

namespace {

ServiceLine line(const std::string& text) {
    conf::MasterCf parsed = conf::parse_master_cf(text, "master.cf");
    REQUIRE(parsed.services.size() == 1);
    return parsed.services[0];
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("an inet service names a port, or an address and a port [master(5)]", "[master]") {
    auto [name, endpoint] = GENERATE(Catch::Generators::table<std::string, Endpoint>({
        {"smtp", {"", "smtp"}},
        {"25", {"", "25"}},
        {"127.0.0.1:2525", {"127.0.0.1", "2525"}},
        {"localhost:smtp", {"localhost", "smtp"}},
        {"[::1]:25", {"::1", "25"}},
    }));
    auto parsed = parse_endpoint(name);
    REQUIRE(parsed);
    CHECK(*parsed == endpoint);
}

TEST_CASE("a bare IPv6 address is refused with what to write", "[master]") {
    CHECK_FALSE(parse_endpoint("::1:25").has_value());
    CHECK_FALSE(parse_endpoint("[::1]").has_value());
}

TEST_CASE("sockets follow inet_interfaces and inet_protocols", "[master]") {
    auto [main_cf, service,
          names] = GENERATE(Catch::Generators::table<std::string, std::string, Names>({
        {"", "127.0.0.1:2525", {"inet 127.0.0.1:2525"}},
        {"inet_interfaces=loopback-only", "2525", {"inet 127.0.0.1:2525", "inet [::1]:2525"}},
        {"inet_interfaces=loopback-only\ninet_protocols=ipv4", "2525", {"inet 127.0.0.1:2525"}},
        {"inet_interfaces=127.0.0.1 127.0.0.2", "25", {"inet 127.0.0.1:25", "inet 127.0.0.2:25"}},
        {"inet_protocols=ipv4", "25", {"inet 0.0.0.0:25"}},
        {"inet_protocols=ipv6", "25", {"inet [::]:25"}},
    }));
    INFO(main_cf);
    Settings settings;
    conf::load_text(settings, main_cf);
    auto found = identities(line(service + " inet n - n - - smtpd"), settings);
    REQUIRE(found);
    CHECK(*found == names);
}

TEST_CASE("accepted connections send what is small at once", "[master]") {
    Settings settings;
    conf::load_text(settings, "");
    auto listener = open_socket("inet 127.0.0.1:0", settings);
    REQUIRE(listener);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::getsockname(listener->get(), generic, &size) == 0);
    Fd client(::socket(AF_INET, SOCK_STREAM, 0));
    REQUIRE(::connect(client.get(), generic, size) == 0);
    Fd accepted(::accept(listener->get(), nullptr, nullptr));
    int on = 0;
    size = sizeof on;
    REQUIRE(::getsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0);
    CHECK(on != 0);
}

TEST_CASE("a unix service is in private/ or public/", "[master]") {
    Settings settings;
    CHECK(*identities(line("queue unix - - n - 1 qmgr"), settings) == Names{"unix private/queue"});
    CHECK(*identities(line("q unix n - n - 1 qmgr"), settings) == Names{"unix public/q"});
}

TEST_CASE("sessions stop first, the queue manager before those it asks", "[master]") {
    CHECK(stop_order(line("smtp inet n - n - - smtpd")) == 0);
    CHECK(stop_order(line("smtp unix n - n - - smtp-client")) == 1);
    CHECK(stop_order(line("queue unix n - n - - qmgr")) == 2);
    CHECK(stop_order(line("auth unix n - n - - /usr/libexec/facteur/authd")) == 3);
}

TEST_CASE("only `join NAME` joins", "[master]") {
    CHECK(joined(line("a unix n - n - - join queue")) == "queue");
    CHECK(joined(line("a unix n - n - - qmgr queue")).empty());
    CHECK(joined(line("a unix n - n - - join")).empty());
}

TEST_CASE("worker slots are unique and stay small", "[master]") {
    Slots slots;
    CHECK(slots.take() == 0);
    CHECK(slots.take() == 1);
    CHECK(slots.take() == 2);
    slots.give_back(1);
    CHECK(slots.take() == 1);
    CHECK(slots.take() == 3);
}
