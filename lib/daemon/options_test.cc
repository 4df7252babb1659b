#include "lib/daemon/options.h"

#include <catch2/catch.hpp>

#include "lib/daemon/inherited.h"
#include "lib/daemon/paths.h"

using namespace facteur::daemon;

TEST_CASE("a daemon's options are those that master gives", "[daemon]") {
    auto options = parse_options(
        {"-n", "submission", "-i7", "-c", "-o", "a=b = c", "-oname = value ", "-v", "login", "-x"});
    REQUIRE(options);
    CHECK(options->service == "submission");
    CHECK(options->slot == 7);
    CHECK(options->chroot);
    CHECK_FALSE(options->privileged);
    CHECK(options->debug);
    using Overrides = std::vector<std::pair<std::string, std::string>>;
    CHECK(options->overrides == Overrides{{"a", "b = c"}, {"name", "value"}});
    CHECK(options->arguments == std::vector<std::string>{"login", "-x"});
}

TEST_CASE("wrong options are errors", "[daemon]") {
    auto words = GENERATE(values<std::vector<std::string>>(
        {{"-z"}, {"-n"}, {"-i", "x"}, {"-i", "70000"}, {"-o", "name"}, {"-o", "=v"}, {"--help"}}));
    CHECK_FALSE(parse_options(words).has_value());
}

TEST_CASE("socket names tell what they are", "[daemon]") {
    auto listeners = parse_sockets("inet:127.0.0.1:2525 unix:queue");
    REQUIRE(listeners);
    REQUIRE(listeners->size() == 2);
    CHECK((*listeners)[0].is_inet);
    CHECK((*listeners)[0].service == "127.0.0.1:2525");
    CHECK((*listeners)[1].service == "queue");
    CHECK_FALSE((*listeners)[1].is_inet);
    CHECK(parse_sockets("")->empty());
    CHECK_FALSE(parse_sockets("fifo:x").has_value());
}

TEST_CASE("a privilege table's entry becomes paths", "[daemon]") {
    using Paths = std::vector<std::string>;
    auto [entry, value, paths] = GENERATE(table<std::string, std::string, Paths>({
        {"/etc/passwd", "", {"/etc/passwd"}},
        {"deferred", "", {"deferred"}},
        {"$maps", "hash:/etc/aliases, cidr:/etc/x.cidr", {"/etc", "/etc"}},
        {"$maps", "auth: static:all inline:{a=b}", {}},
        {"$maps", "maildir:/tmp/%d/%n:INDEX=/usr/lib", {"/tmp", "/usr/lib"}},
        {"$maps", "/tmp", {"/tmp"}},
        {"$maps", "/users", {"/"}},
    }));
    INFO(value);
    CHECK(paths_of(entry, [&](std::string_view) { return value; }) == paths);
}
