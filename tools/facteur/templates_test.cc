#include "tools/facteur/templates.h"

#include <catch2/catch.hpp>

#include "lib/config/main_cf.h"
#include "lib/config/master_cf.h"
#include "tools/facteur/known.h"

using namespace facteur;
using namespace facteur::tool;

TEST_CASE("a parameter is set in place, or added", "[facteur]") {
    CHECK(with_parameter("a = 1\nb = 2\n", "a", "x") == "a = x\nb = 2\n");
    CHECK(with_parameter("ab = 1\n", "a", "x") == "ab = 1\na = x\n");
    CHECK(with_parameter("a = 1\na=2\n", "a", "x") == "a = x\n");
}

TEST_CASE("each inet service of the shipped master.cf gets a port on loopback", "[facteur]") {
    auto shipped = conf::parse_master_cf(master_cf_template(), "master.cf");
    auto moved = conf::parse_master_cf(on_loopback(master_cf_template(), 10000), "master.cf");
    CHECK(shipped.problems.empty());
    CHECK(moved.problems.empty());
    REQUIRE(shipped.services.size() == moved.services.size());
    for (std::size_t at = 0; at < moved.services.size(); ++at) {
        const auto& before = shipped.services[at];
        const auto& after = moved.services[at];
        CHECK(after.command == before.command);
        CHECK(after.overrides == before.overrides);
        if (before.type == conf::ServiceLine::Type::unix) continue;
        CHECK(after.name == "127.0.0.1:" + std::to_string(10000 + own_port(before.name)));
    }
}

TEST_CASE("the shipped main.cf has no mistakes of syntax", "[facteur]") {
    CHECK(conf::MainCf::parse(main_cf_template(), "main.cf").problems().empty());
}

TEST_CASE("a mistyped name is near the right one", "[facteur]") {
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("myhostnane", "myhostname") == 1);
}
